-- SPDX-License-Identifier: MIT
--
-- Reads the file of a timeline, strictly, and checks what must hold in each of them
-- (docs/observability.md, "Timeline").
local cjson = require "cjson"

local timelines = {}

local PHASES = { M = true, X = true, i = true, s = true, f = true, C = true }
local PROCESSES = { "Ps", "goroutines", "collector", "trace" }
local ROUNDING = 0.0015 -- of three decimals, in microseconds

-- "chan receive" is one of these names where `why` is not nil.
local NAMES = {
  state = { running = true, runnable = true },
  chan = { send = true, recv = true, close = true, select = true },
  go = { start = true, ["end"] = true },
  gc = { ["sweep rest"] = true, mark = true, sweep = true, begin = true, finish = true },
  gap = { ["not recorded"] = true },
  counter = { heap = true, goroutines = true, runnable = true, threads = true },
}

local function key_of(event)
  return event.pid .. "/" .. event.tid
end

local function fail(event, what)
  error(what .. ": " .. cjson.encode(event), 0)
end

local function check_slice(event, ends)
  local key = key_of(event)
  if event.dur < 0 then
    fail(event, "ends before it begins")
  elseif event.ts < (ends[key] or 0) - ROUNDING then
    fail(event, "begins before the one before it has ended, at " .. ends[key])
  end
  ends[key] = event.ts + event.dur
end

local function check_names(event)
  local names = NAMES[event.cat]
  local is_flow = event.ph == "s" or event.ph == "f"
  if is_flow and not event.name:find("^chan %d+$") then
    fail(event, "no name of a flow")
  elseif names and not is_flow and not names[event.name] then
    fail(event, "no name that the documents know")
  end
end

local function check_flows(halves)
  for _, flow in pairs(halves) do
    if not (flow.s and flow.f) then
      fail(flow.s or flow.f, "half a flow")
    elseif flow.s.ts > flow.f.ts then
      fail(flow.f, "comes before it went")
    end
  end
end

---Reads one; raises if it is not as it has to be.
---@param path string
---@return table timeline  the file, with `tracks` (names by "pid/tid") and `flows` (by id)
function timelines.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  local parser = cjson.new()
  parser.decode_invalid_numbers(false)
  local timeline = parser.decode(text)
  local ends, flows, tracks, used = {}, {}, {}, {}
  for _, event in ipairs(timeline.traceEvents) do
    if not PHASES[event.ph] then
      fail(event, "no phase that the documents know")
    elseif not PROCESSES[event.pid] then
      fail(event, "no process that the documents know")
    end
    if event.ph == "M" then
      if event.name == "thread_name" then tracks[key_of(event)] = event.args.name end
    else
      if type(event.ts) ~= "number" or event.ts < 0 then fail(event, "no time") end
      check_names(event)
      used[key_of(event)] = event.ph ~= "C" and event or nil
    end
    if event.ph == "X" then
      check_slice(event, ends)
    elseif event.ph == "s" or event.ph == "f" then
      local flow = flows[event.id] or {}
      if flow[event.ph] then fail(event, "a second half of a flow") end
      flow[event.ph] = event
      flows[event.id] = flow
    end
  end
  check_flows(flows)
  for key, event in pairs(used) do
    if not tracks[key] then fail(event, "a track without a name") end
  end
  timeline.tracks, timeline.flows, timeline.text = tracks, flows, text
  return timeline
end

---The events of a category and a name, in their order; nil stands for any.
---@param timeline table
---@param category? string
---@param name? string
---@return table[]
function timelines.find(timeline, category, name)
  local found = {}
  for _, event in ipairs(timeline.traceEvents) do
    if (not category or event.cat == category) and (not name or event.name == name) then
      found[#found + 1] = event
    end
  end
  return found
end

---The lane of the goroutine whose name has such a part.
---@param timeline table
---@param part string
---@return integer? tid
function timelines.lane(timeline, part)
  for key, name in pairs(timeline.tracks) do
    local tid = key:match("^2/(%d+)$")
    if tid and name:find(part, 1, true) then
      return tonumber(tid)
    end
  end
end

return timelines
