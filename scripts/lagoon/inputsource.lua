-- SPDX-License-Identifier: MIT
--
-- What makes the values of an input, in a state of its own.
local core = require "lagoon.core"

local send = core.input_send
local inputsource = {}

---Runs `f(emit, ...)`, and tells the input of its end.
---@async
---@param number integer  the input's
---@param f fun(emit: fun(value: any), ...: any)
---@param ... any
function inputsource.run(number, f, ...)
    local function emit(value)
        send(number, true, value)
    end
    local ok, err = pcall(f, emit, ...)
    if not ok then
        send(number, false, tostring(err))
    end
    core.input_end(number)
end

return inputsource
