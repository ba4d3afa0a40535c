-- SPDX-License-Identifier: MIT
--
-- A program that is busy in several Lua states, while clients come, ask, talk rubbish and vanish,
-- and signals ask for dumps. It must come to its end, with nothing left over.
local lagoon = require "lagoon"
local helper = require "helper"

local random = helper.random()
local seed = random(1, 1e6)

-- Tasks come and go, so that worker states do; goroutines wait, compute and end. It ends when it
-- is told to, and says how many goroutines there are that it has not started.
local SCRIPT = [[
local lagoon = require "lagoon"
local random = math.random
local stop = lagoon.chan()
local nlive = 0
local function short()
  local x = 0
  for i = 1, random(1, 200000) do x = x + i end
  lagoon.sleep(random() / 500)
  return x
end
lagoon.go(function()
  while not stop:closed() do
    local group = lagoon.group()
    for _ = 1, random(1, 4) do group:go(short) end
    group:wait()
  end
end)
lagoon.go(function()
  while not stop:closed() do
    local tasks = {}
    for i = 1, random(1, 5) do
      tasks[i] = lagoon.parallel(function(n)
        local x = 0
        for i = 1, n do x = x + i end
        require "lagoon".sleep(0.001)
        return x
      end, random(1, 300000))
    end
    for i = 1, #tasks do tasks[i]:wait() end
  end
end)
io.write "ready" io.flush()
io.read()
stop:close()
while lagoon.runtime.num_goroutine() > 1 do lagoon.sleep(0.01) end
print "over"
]]

local function path_of(process)
  return ("%s/lagoon/%d.sock"):format(helper.path "run", process:pid())
end

local function frame(kind, text)
  return kind .. "\0\0\0" .. string.char(#text) .. text
end

local HELLOS = { frame("H", "lagoon 2 80 0 0"), frame("H", "lagoon 2 80 24 1") }
local INPUTS = { ":ps", ":sched", ":leaks", ":trace 1", "1 + 1", "chan():recv()",
  "go(function() error 'x' end)", "for i = 1, 1e7 do end", "error 'y'", "x = = 1", ":chans",
  "sleep(0.01) &", ":help", ":top 0.05", ":top 0.05" }

local KEYS = { "", "c", "i", "a", "resize", "q", "ctrl-c" }

-- Talks for a while, and closes at any point of that.
local function visit(process)
  local conn = lagoon.net.dial("unix", path_of(process))
  if not conn then
    return -- more than may
  end
  conn:set_deadline(0.2)
  if random(8) == 1 then
    conn:write(("IC\0\255W"):rep(random(20)))
  else
    conn:write(HELLOS[random(2)])
  end
  for _ = 1, random(6) do
    conn:read()
    local choice = random(7)
    if choice == 1 then
      conn:write(frame("C", ""))
    elseif choice == 2 then
      conn:write(frame("T", "lag"))
    elseif choice == 3 then
      conn:write(frame("K", KEYS[random(#KEYS)]))
    elseif choice == 4 then
      conn:write(frame("W", random(200) .. " " .. random(50)))
    else
      conn:write(frame("I", INPUTS[random(#INPUTS)]))
    end
  end
  conn:close()
end

describe("a program that is attached to by many, seed " .. seed, function()
  it("comes to its end", function()
    os.execute("mkdir -p -m 700 " .. helper.path "run")
    local process = assert(lagoon.process.spawn(helper.program, { "--attach",
      helper.file("script.lua", SCRIPT) }, { env = { PATH = os.getenv "PATH",
      XDG_RUNTIME_DIR = helper.path "run", LAGOON_PROCS = random(1, 3) } }))
    assert.equal("ready", process.stdout:read(5))
    local errors = lagoon.async(function()
      local text = {}
      for bytes in function() return process.stderr:read() end do
        text[#text + 1] = bytes
      end
      return table.concat(text)
    end)
    local group = lagoon.group()
    for _ = 1, 6 do
      group:go(function()
        for _ = 1, helper.rounds(6) do
          visit(process)
        end
      end)
    end
    group:go(function()
      for _ = 1, helper.rounds(6) do
        process:kill "SIGUSR1"
        lagoon.sleep(random(30) / 1000)
      end
    end)
    group:wait()
    process.stdin:write "\n"
    assert.equal("over\n", process.stdout:read "*a")
    assert.same({ code = 0 }, process:wait())
    local told = errors:wait()
    assert.is_nil(told:gsub("SIGUSR1: goroutines", ""):find("[Ee]rror"), told)
    for _, stream in ipairs { process.stdin, process.stdout, process.stderr } do
      stream:close()
    end
  end)
end)
