-- SPDX-License-Identifier: MIT
--
-- Random points at which goroutines are preempted, and what else of a test follows from its seed.
local core = require "lagoon.core"

local raceorder = {}

---Another seed for each test, which does not depend on those before it: alone it is the same.
---@param seed integer
---@param name string
---@return integer
function raceorder.mixed(seed, name)
    local hash = seed % 2147483647
    for i = 1, #name do
        hash = (hash * 31 + name:byte(i)) % 2147483647
    end
    return hash
end

---Hooks see nothing of compiled code.
function raceorder.without_compiler()
    jit.off()
    jit.flush()
end

---From now on there are points, in this state and in those of tasks.
---@param seed integer
---@param name string
function raceorder.start(seed, name)
    core.race_order(raceorder.mixed(seed, name))
end

---From now on there are none.
function raceorder.stop()
    core.race_order()
end

return raceorder
