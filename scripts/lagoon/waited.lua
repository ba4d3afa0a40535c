-- SPDX-License-Identifier: MIT
--
-- What C halves return that may have waited: a code first, then results, or what is to be raised.
local core = require "lagoon.core"

local raise, OK = core.raise, core.OK

local waited = {}

---The results; or raises.
---@param code integer
---@param ... any
---@return any ...
function waited.settle(code, ...)
    if code == OK then
        return ...
    end
    return raise(code, (...))
end

return waited
