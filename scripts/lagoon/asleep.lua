-- SPDX-License-Identifier: MIT
--
-- Whether goroutines only wait for each other, seen by one of them that does not: the runtime finds
-- a deadlock only where all do.
local core = require "lagoon.core"

local asleep = {}

-- What only another goroutine can end.
local BY_OTHERS = {}
for reason in ([[chan receive,chan send,select,select (no cases),mutex lock,rwmutex lock,
    rwmutex rlock,task wait,once,waitgroup wait,cond wait,semaphore acquire]])
    :gmatch "%s*([^,]+)" do
    BY_OTHERS[reason] = true
end

---Whether all goroutines but some wait for each other, and no timer will end that.
---@param is_exempt fun(id: integer): any  those that do not count
---@return boolean
function asleep.all(is_exempt)
    if core.stats().timers > 0 then
        return false
    end
    for _, info in ipairs(core.goroutines()) do
        local is_asleep = info.status == "waiting" and BY_OTHERS[info.wait_reason]
        if not (is_asleep or is_exempt(info.id)) then
            return false
        end
    end
    return true
end

return asleep
