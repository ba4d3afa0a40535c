-- SPDX-License-Identifier: MIT
--
-- What the specs of lagoon.runtime.leaks() share.
local helper = require "helper"
local lagoon = require "lagoon"

local async, leaks = lagoon.async, lagoon.runtime.leaks

local leaking = { LEAKED = true, LIVE = false }

-- Dead variables' slots count as held, so what a spec makes is made in a call of its own, and the
-- stack that this used is overwritten.
function leaking.scrub()
  return select("#", unpack({}, 1, 240))
end

-- The numbers of the goroutines that are told.
function leaking.leaked()
  leaking.scrub()
  local ids = {}
  for _, info in ipairs(leaks()) do
    ids[info.id] = info
  end
  return ids
end

-- A list of started tasks, to be ended in the end; handles are no way to what a goroutine holds.
function leaking.starting()
  local tasks = {}
  local function start(f, ...)
    local task = async(f, ...)
    tasks[#tasks + 1] = task
    return task
  end
  return start, tasks
end

function leaking.is_alive(task)
  local status = task:status()
  return status == "waiting" or status == "ready" or status == "running"
end

function leaking.finish(tasks)
  for _, task in ipairs(tasks) do
    task:cancel()
  end
  for _, task in ipairs(tasks) do
    helper.settle(function() return not leaking.is_alive(task) end)
    pcall(task.wait, task)
  end
end

-- make(start) starts goroutines and returns what stays held while leaks() looks: when all of them
-- wait, but for nbusy that go on. A list that says for each, in order, whether it has leaked.
function leaking.told_of(make, nbusy)
  local start, tasks = leaking.starting()
  local held = { make(start) }
  helper.quiet(nbusy)
  local ids = leaking.leaked()
  local told = {}
  for i, task in ipairs(tasks) do
    told[i] = ids[task:id()] ~= nil
    ids[task:id()] = nil
  end
  leaking.finish(tasks)
  if next(ids) then
    error("another one is told")
  end
  return told, held
end

return leaking
