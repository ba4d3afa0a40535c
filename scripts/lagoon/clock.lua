-- SPDX-License-Identifier: MIT
--
-- Clocks that can be paused, scaled and stepped: the runtime's, and those of groups.
local core = require "lagoon.core"

---What time is for those who are on it. A clock over another one goes as that goes, times its own
---scale. The same object in all Lua states.
---@class lagoon.Clock
---@field pause fun(self: lagoon.Clock)  stops it: who sleeps on it sleeps on
---@field resume fun(self: lagoon.Clock)  lets it go on from where it stands
---@field is_paused fun(self: lagoon.Clock): boolean  itself; its parent may be besides
---@field scale fun(self: lagoon.Clock, scale?: number): number  sets how fast it goes; returns that
---@field step fun(self: lagoon.Clock, seconds: number)  moves it forward at once, paused or not
---@field now fun(self: lagoon.Clock): number  what it shows, in seconds
local Clock = {
    pause = core.clock_pause,
    resume = core.clock_resume,
    is_paused = core.clock_is_paused,
    scale = core.clock_scale,
    step = core.clock_step,
    now = core.clock_now,

    ---Makes a clock over another one, or over that of the calling goroutine. Groups put goroutines
    ---on it: `lagoon.group{clock = c}`.
    ---@type fun(parent?: lagoon.Clock): lagoon.Clock
    new = core.clock_new,
}

core.classes.clock.__index = Clock

---The runtime's clock.
---@type lagoon.Clock
local clock = core.clock_of_runtime()

return clock
