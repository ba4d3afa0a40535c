-- SPDX-License-Identifier: MIT
--
-- lagoon.signal: signals to the program. To others than this process they go as in a shell.
local lagoon = require "lagoon"
local helper = require "helper"
local signal, process = lagoon.signal, lagoon.process
local ffi = require "ffi"
pcall(ffi.cdef, "int getpid(void); int kill(int pid, int signo);")

local USR1, USR2, WINCH = 10, 12, 28

local function send(signo)
  ffi.C.kill(ffi.C.getpid(), signo)
end

-- In a host they are the host's.
if helper.is_hosted() then
  describe("signal.notify in a host", function()
    it("raises", function()
      local message = helper.message_of(function() signal.notify("SIGUSR1") end)
      assert.is_truthy(message:find("belong to the host"))
    end)
  end)
  return
end

describe("signal.notify", function()
  it("gives the names of the signals that come", function()
    local channel = signal.notify("SIGUSR1", "USR2")
    send(USR1)
    assert.equal("SIGUSR1", (channel:recv()))
    send(USR2)
    assert.equal("SIGUSR2", (channel:recv()))
    signal.stop(channel)
  end)

  it("wakes who waits", function()
    local channel = signal.notify("USR1")
    local task = helper.parked(lagoon.async(channel.recv, channel))
    send(USR1)
    assert.equal("SIGUSR1", (task:wait()))
    signal.stop(channel)
  end)

  it("serves several channels, each with its own", function()
    local first = signal.notify("USR1", "WINCH")
    local second = signal.notify("USR1")
    send(USR1)
    assert.equal("SIGUSR1", (first:recv()))
    assert.equal("SIGUSR1", (second:recv()))
    signal.stop(second)
    send(USR1)
    assert.equal("SIGUSR1", (first:recv()))
    send(WINCH)
    assert.equal("SIGWINCH", (first:recv()))
    assert.equal(0, #second)
    signal.stop(first)
  end)

  it("drops what has no room, and goes on", function()
    local full = signal.notify("USR1")
    local other = signal.notify("USR1")
    for _ = 1, 2 * full:cap() do
      send(USR1)
      assert.equal("SIGUSR1", (other:recv()))
    end
    assert.equal(full:cap(), #full)
    signal.stop(full)
    signal.stop(other)
  end)

  it("does not mind a channel that was closed", function()
    local closed, other = signal.notify("USR1"), signal.notify("USR1")
    closed:close()
    send(USR1)
    assert.equal("SIGUSR1", (other:recv()))
    signal.stop(closed)
    signal.stop(other)
  end)

  it("hears of signals while Lua code computes", function()
    if lagoon.runtime.preemption() == "off" then return end -- nobody would deal them out
    local channel = signal.notify("USR1")
    lagoon.go(send, USR1)
    local n = 0
    while #channel == 0 do
      n = n + 1
    end
    assert.equal("SIGUSR1", (channel:recv()))
    signal.stop(channel)
  end)

  it("raises for what is no signal, or cannot be waited for", function()
    for _, name in ipairs { "KILL", "SIGSTOP", "SEGV", "FPE", "ABRT", "URG" } do
      local full = name:find("^SIG") and name or "SIG" .. name
      assert.equal("bad argument to 'notify' (" .. full .. " cannot be waited for)",
        helper.message_of(function() signal.notify(name) end))
    end
    for _, name in ipairs { "SIGNONE", "", 15 } do
      assert.equal("bad argument to 'notify' (the name of a signal expected)",
        helper.message_of(function() signal.notify("USR1", name) end))
    end
    assert.is_truthy(helper.message_of(function() signal.notify() end):find("name of a signal"))
  end)

  it("is for the first state only", function()
    local task = helper.parallel(function()
      return pcall(require("lagoon").signal.notify, "USR1")
    end)
    local ok, err = task:wait()
    assert.is_false(ok)
    assert.is_truthy(err:find("first Lua state"))
  end)
end)

describe("signal.stop", function()
  -- Where nobody is interrupted by a signal, the thread sanitizer keeps those of a program back
  -- that sleeps.
  local is_heard = lagoon.runtime.preemption() ~= "off"

  it("gives a signal its usual effect back", function()
    if not is_heard then return end
    local child = helper.script([[
      local lagoon = require "lagoon"
      local channel = lagoon.signal.notify("TERM")
      local pid = io.open("/proc/self/stat"):read("*n")
      os.execute("kill -TERM " .. pid)
      io.write(channel:recv(), "\n")
      io.flush()
      lagoon.signal.stop(channel)
      os.execute("kill -TERM " .. pid)
      lagoon.sleep(10)
    ]])
    assert.equal("SIGTERM\n", child.out)
    assert.equal(128 + 15, child.status)
  end)

  it("goes on for others where the first one was killed or cancelled", function()
    for _, ending in ipairs { "kill", "cancel" } do
      local group, first = lagoon.group(), nil
      group:go(function()
        first = signal.notify("USR1")
        lagoon.sleep(1000)
      end)
      helper.settle(function() return first end)
      local second = signal.notify("USR1")
      group[ending](group)
      send(USR1)
      assert.equal("SIGUSR1", (second:recv(10)))
      signal.stop(first)
      signal.stop(second)
    end
  end)

  it("gives Ctrl-C its usual effect back", function()
    if not is_heard then return end
    local child = helper.script([[
      local lagoon = require "lagoon"
      local ffi = require "ffi" -- a shell's parent ignores SIGINT meanwhile
      ffi.cdef "int getpid(void); int kill(int pid, int signo);"
      local channel = lagoon.signal.notify("INT")
      for _ = 1, 3 do
        ffi.C.kill(ffi.C.getpid(), 2)
        io.write(channel:recv(), "\n")
      end
      lagoon.signal.stop(channel)
      print(pcall(function()
        ffi.C.kill(ffi.C.getpid(), 2)
        lagoon.sleep(10)
      end))
    ]])
    assert.equal("SIGINT\nSIGINT\nSIGINT\nfalse\tinterrupted\n", child.out)
  end)

  it("leaves children their own signals", function()
    local channel = signal.notify("USR1")
    local _, exit = process.run("bash", { "-c", "kill -USR1 $$" })
    assert.equal("SIGUSR1", exit.signal)
    assert.equal(0, #channel)
    signal.stop(channel)
    signal.stop(channel)
  end)
end)
