-- SPDX-License-Identifier: MIT
--
-- What the goroutine of a task runs in a worker state: opens what was sent, calls the function, and
-- keeps the results. In Lua, so that the function may wait wherever it likes.
local core = require "lagoon.core"

local take, keep = core.task_take, core.task_keep

local function call(f, ...)
    return f(...)
end

return function()
    return keep(call(take()))
end
