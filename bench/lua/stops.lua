-- SPDX-License-Identifier: MIT
--
-- How long the core stops the world in a 60 Hz loop with so many goroutines, each of which
-- wakes now and then, while channels come and go and cycles of the collector run.
--
--   lagoon bench/lua/stops.lua [GOROUTINES] [SECONDS]
local lagoon = require "lagoon"

local count, seconds = tonumber(arg[1]) or 10000, tonumber(arg[2]) or 10
local FRAME = 1 / 60
local runtime = lagoon.runtime

local is_over = false
local gates = {}
for i = 1, 100 do gates[i] = lagoon.chan(1) end
for i = 1, count do
  lagoon.go(function()
    local gate = gates[i % #gates + 1]
    while not is_over do
      gate:recv(1 + i % 7)
    end
  end)
end

local frames, start = 0, lagoon.now()
while lagoon.now() - start < seconds do
  local began = lagoon.now()
  for i = 1, #gates do gates[i]:try_send(i) end
  for _ = 1, 200 do lagoon.chan(100) end
  if frames % 30 == 0 then runtime.gc() end
  runtime.gc_step(0.001)
  frames = frames + 1
  lagoon.sleep(math.max(0, FRAME - (lagoon.now() - began)))
end
is_over = true

local gc = runtime.stats().gc
local n, over = 0, 0
for i, pauses in ipairs(gc.pauses) do
  n = n + pauses
  if 2 ^ (8 + i) > 0.5e6 then over = over + pauses end
  if pauses > 0 then print(("up to %8.0f us: %d"):format(2 ^ (9 + i) / 1e3, pauses)) end
end
print(("%d goroutines, %d frames, %d cycles, %d stops, %d over 0.52 ms, longest %.3f ms"):format(
  count, frames, gc.cycles, n, over, gc.pause_max * 1e3))
