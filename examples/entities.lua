-- SPDX-License-Identifier: MIT
--
-- A small game without a screen: guards walk to and fro, and one after the other is hit. Each is a
-- group that owns what it has started; the world has a clock of its own, which the menu pauses.
-- Usage: lagoon examples/entities.lua [guards]
local lagoon = require "lagoon"
local go = lagoon.go

local nguards = tonumber(arg and arg[1]) or 5

local world = lagoon.group { clock = true }
world.clock:pause() -- until the menu is closed
local hit = lagoon.event "hit"
local guards = {}

-- Position and life of a guard are plain variables: goroutines of a state take turns.
local function guard(name)
  local self = { name = name, x = 0, life = 3, steps = 0 }
  self.group = lagoon.group()

  self.group:go(function()
    local direction = 1
    while true do
      local dt = lagoon.next_frame()
      self.x = self.x + direction * 10 * dt
      self.steps = self.steps + 1
      if self.x < 0 or self.x > 1 then
        direction = -direction
      end
    end
  end)

  self.group:go(function()
    while true do
      local who, damage = hit:wait()
      if who == self.name then
        self.life = self.life - damage
        if self.life <= 0 then
          guards[self.name] = nil
          print(("%s is gone"):format(self.name))
          self.group:kill() -- this goroutine, too: nothing of it runs again
        end
      end
    end
  end)

  return self
end

-- Everything that is started from here on is on the world's clock.
world:go(function()
  local all = {}
  for i = 1, nguards do
    local name = "guard " .. i
    guards[name] = guard(name)
    all[i] = guards[name]
  end

  go(function() -- an arrow every tenth of a second of the world
    for i = 1, nguards do
      lagoon.sleep(0.1)
      hit:emit("guard " .. i, 2)
      lagoon.next_frame() -- until all wait for the next hit: an event keeps nothing
      hit:emit("guard " .. i, 1)
    end
  end)

  lagoon.wait_until(function() return next(guards) == nil end)
  local steps = all[1].steps
  lagoon.next_frame()
  assert(all[1].steps == steps, "a dead guard has walked")
  print(("%d guards, all gone"):format(nguards))
end)

-- The menu is on the runtime's clock and goes on while the world stands.
local stood_at = world.clock:now()
lagoon.sleep(0.05)
assert(world.clock:now() == stood_at)
print("paused, and on")
world.clock:resume()
world.clock:scale(4)

world:wait()
