-- SPDX-License-Identifier: MIT
--
-- `require` in states of ours: a module that another goroutine is loading is waited for. Lua's own
-- is called last, so that it stands where this was called. In a host there is only Lua's.
local core, loaded = ...
local load_module = require
if type(core) ~= "table" then
    return { require = load_module }
end

local begin, raise, OK = core.begin_load, core.raise, core.OK
local type = type

-- What stands for a module that is being loaded, and after that has failed: LuaJIT's mark is a
-- number that nobody could have computed.
local function is_mark(module)
    return type(module) == "number" and module < 0 and module > -2 ^ -1022
        or type(module) == "userdata"
end

local module = {}

---Lua's `require`, which waits while another goroutine of the state loads the module.
---@async
---@param name string
---@return any
function module.require(name)
    local found = loaded[name]
    if found and not is_mark(found) then
        return found
    end
    local code, err = begin(name, false)
    while code == OK do
        code, err = begin(name, true)
    end
    if code then
        return raise(code, err)
    end
    return load_module(name)
end

return module
