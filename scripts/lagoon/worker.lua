-- SPDX-License-Identifier: MIT
--
-- What the goroutine of a task runs in a worker state: opens what was sent, calls the function, and
-- keeps the results. In Lua, so that the function may wait wherever it likes.
local take, keep = ...

-- A module is loaded once for all tasks of the state: into its globals, not into those of the task
-- that happens to be the first to require it. C functions stay as they are.
local globals, loaders = getfenv(1), package.loaders
for i, load_module in ipairs(loaders) do
    loaders[i] = function(name)
        local found = load_module(name)
        if type(found) == "function" then
            pcall(setfenv, found, globals)
        end
        return found
    end
end

-- Called as an element, it has no name in tracebacks.
local call = {
    function(f, ...)
        return f(...)
    end,
}

return function()
    return keep(call[1](take()))
end
