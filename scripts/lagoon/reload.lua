-- SPDX-License-Identifier: MIT
--
-- lagoon.reload: new code for a module that runs. The module's source runs once more; what it makes
-- is paired with what is there, by names: fields of the module's table and of tables below, and
-- local variables that functions share. Tables stay, functions are replaced wherever they are, and
-- of the data what is state stays, too. docs/decisions/reload.md says why by these rules.
local core = require "lagoon.core"
local pairing = require "lagoon.reloadpairs"

local debug = debug
local getinfo = debug.getinfo
local loaded = package.loaded

---@class lagoon.ReloadReport
---@field replaced integer  functions that have new code
---@field references integer  places where they were put
---@field added string[]  paths of fields that are new: "Enemy.flee", "_G.score"
---@field removed string[]  of functions that the new code has not; they are still there
---@field kept string[]  of functions that somebody else's stand in the place of
---@field goroutines { id: integer, name: string?, where: string }[]  with old functions on stack
---@field hook_error any  what the module's on_reload has raised

local reload = {}

-- Name of a module that is being reloaded -> by whom, if it lives; true: by no goroutine.
local busy = setmetatable({}, { __mode = "v" })

-- ---------------------------------------------------------------------------------------------
-- Loading
-- ---------------------------------------------------------------------------------------------

-- The function that require would call for a module, or nil and why there is none.
local function find_chunk(name)
    local tried = {}
    for _, load_module in ipairs(package.loaders) do
        local found = load_module(name)
        if type(found) == "function" then
            if getinfo(found, "S").what == "C" then
                return nil, ("module '%s' is not Lua code"):format(name)
            end
            return found
        end
        tried[#tried + 1] = type(found) == "string" and found or nil
    end
    return nil, ("module '%s' not found:%s"):format(name, table.concat(tried))
end

local function copy(t)
    local out = {}
    for key, value in next, t do
        out[key] = value
    end
    return out
end

-- Makes a table what it was when it was copied.
local function restore(t, before)
    for key in next, copy(t) do
        if before[key] == nil then
            rawset(t, key, nil)
        end
    end
    for key, value in next, before do
        rawset(t, key, value)
    end
end

-- The globals that the chunk has written: functions of its own, and tables.
local function written_globals(globals, before, source)
    local written = {}
    for key, value in next, globals do
        local is_own = pairing.is_of(value, source)
        if not rawequal(before[key], value) and (is_own or type(value) == "table") then
            written[key] = value
        end
    end
    return written
end

-- Runs a chunk as require does. Returns what the module is now, and the globals that it has
-- written, with everything that was there before in its place again; or nil and an error.
local function run(name, chunk, old)
    local source = getinfo(chunk, "S").source
    local globals = getfenv(chunk)
    local globals_before = copy(globals)
    local before = type(old) == "table" and copy(old)
    local known = setmetatable({}, { __mode = "k" })
    core.reload_known(source, known)
    local who = core.self() or true
    local outer = core.reload_classes(who, {})
    local ok, fresh = pcall(chunk, name)
    local classes = core.reload_classes(who, outer)
    if ok and fresh == nil then
        fresh = loaded[name] -- the module has entered itself, or has written into what was there
    end
    loaded[name] = old
    local written = written_globals(globals, globals_before, source)
    for key in next, written do
        globals[key] = globals_before[key]
    end
    if before and (not ok or fresh == old) then
        fresh = ok and copy(old) or fresh
        restore(old, before)
    end
    if not ok then
        return nil, fresh
    end
    return { name = name, source = source, old = old, fresh = fresh, globals = globals,
        written = written, classes = classes, known = known }
end

-- ---------------------------------------------------------------------------------------------
-- The report
-- ---------------------------------------------------------------------------------------------

local function present_goroutines()
    local ids, infos = {}, {}
    for _, info in ipairs(core.goroutines()) do
        ids[info.id] = true
        infos[info.id] = info
    end
    return ids, infos
end

-- Who was there before and has old functions on the stack.
local function still_inside(source, ids, infos)
    local list = {}
    local inside = core.reload_inside(source, ids)
    for i = 1, #inside, 2 do
        local id = inside[i]
        list[#list + 1] = { id = id, name = infos[id].name, where = inside[i + 1] }
    end
    return list
end

-- ---------------------------------------------------------------------------------------------
-- Reload
-- ---------------------------------------------------------------------------------------------

local function reload_named(name, old)
    local ids, infos = present_goroutines()
    local found, chunk, why = pcall(find_chunk, name)
    if not found or not chunk then
        return nil, found and why or chunk
    end
    local load, err = run(name, chunk, old)
    if not load then
        return nil, err
    end
    local fresh_type, old_type = type(load.fresh), type(old)
    if fresh_type ~= old_type then
        return nil, ("module '%s' was a %s and would be a %s"):format(name, old_type, fresh_type)
    end
    local plan = pairing.plan(load)
    local goroutines = still_inside(load.source, ids, infos)
    pairing.apply(plan)
    local replaced = core.reload_swap(plan.map)
    if jit then
        jit.flush() -- compiled code takes functions in captured variables for constants
    end
    return { replaced = plan.nreplaced, references = replaced, added = plan.added,
        removed = plan.removed, kept = plan.kept, goroutines = goroutines }
end

local function name_of(module)
    if type(module) == "string" then
        return module
    elseif type(module) ~= "table" and type(module) ~= "function" then
        return nil
    end
    for name, value in next, loaded do
        if type(name) == "string" and rawequal(value, module) and name ~= "_G" then
            return name
        end
    end
    return nil
end

-- Calls the module's own function for that, if it has one.
local function tell(name, fresh_report)
    local module = loaded[name]
    local hook = type(module) == "table" and rawget(module, "on_reload")
    if type(hook) == "function" then
        local ok, err = pcall(hook, fresh_report)
        fresh_report.hook_error = not ok and err or nil
    end
end

local IS_ALIVE = { ready = true, running = true, waiting = true }

-- Who was killed has not said that it has ended.
local function is_busy(name)
    local who = busy[name]
    return who and (who == true or IS_ALIVE[who:status()])
end

---Runs a module's source once more and brings its functions into the module that is there: tables
---keep their identity, functions are replaced wherever somebody has them. Returns a report, or nil
---and an error, with everything as it was. Go: none.
---@async
---@param module string|table|function  its name for `require`, or what that returns
---@return lagoon.ReloadReport? report
---@return any err
function reload.reload(module)
    local name = name_of(module)
    if not name then
        local wanted = type(module) == "table" or type(module) == "function"
        error(wanted and "bad argument #1 to 'reload' (this is no module's value)"
            or ("bad argument #1 to 'reload' (string or module expected, got %s)")
            :format(type(module)), 2)
    end
    local old = loaded[name]
    if not old then
        return nil, ("module '%s' is not loaded"):format(name)
    elseif is_busy(name) then
        return nil, ("module '%s' is being reloaded"):format(name)
    end
    busy[name] = core.self() or true
    local ok, report, err = pcall(reload_named, name, old)
    busy[name] = nil
    if not ok then
        return nil, report
    elseif report then
        core.reload_publish(name)
        tell(name, report)
    end
    return report, err
end

---What a worker state does before its next task. One that has not loaded the module need not.
---@async
---@param name string
function reload.catch_up(name)
    if loaded[name] then
        reload.reload(name)
    end
end

return reload
