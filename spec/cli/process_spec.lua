-- SPDX-License-Identifier: MIT
--
-- The program among other processes: pipes, signals, descriptors that fail, and its end.
local helper = require "helper"

local script = helper.script

-- Runs a line of shell in which $B is the program.
local function shell(line)
  return helper.child({ "bash", "-c", line }, { env = { B = helper.program } })
end

describe("a script in a pipe", function()
  it("is read whole, and once", function()
    assert.equal("x\n", shell("$B <(echo 'print(\"x\")')").out)
    assert.equal("1\n", shell("echo 'print(1)' | $B /dev/stdin").out)
    local long = shell("$B <(echo 'local t = 0'; for i in {1..2000}; do echo \"t = t + $i\"; done; "
      .. "echo 'print(t)')")
    assert.equal("2001000\n", long.out)
  end)

  it("is reported with its name if it is wrong", function()
    local child = shell("echo 'x = =' | $B /dev/stdin")
    assert.equal(1, child.status)
    assert.matches("/dev/stdin:1: unexpected symbol", child.err)
  end)
end)

describe("a reader that goes away", function()
  it("ends the program, whichever thread writes", function()
    for _ = 1, 10 do
      local child = shell("timeout 5 $B -e 'while true do print(1) end' | head -1; "
        .. "echo ${PIPESTATUS[0]}")
      assert.equal("1\n141\n", child.out)
    end
  end)
end)

describe("a child process", function()
  it("takes signals, whichever thread starts it", function()
    local child = script [[
      for _ = 1, 20 do
        io.write(io.popen("kill -TERM $$; echo survived"):read "*a")
        io.write(os.execute("kill -TERM $$; echo survived") == 0 and "survived" or "")
        require "lagoon".yield()
      end
    ]]
    assert.equal("", child.out)
  end)
end)

describe("output that cannot be written", function()
  it("is an error in words", function()
    local child = shell("$B -e 'print(1)' >/dev/full")
    assert.equal(1, child.status)
    assert.equal("lagoon: cannot write to standard output\n", child.err)
  end)
end)

describe("a call on a file that does not return", function()
  local is_heard = helper.lagoon({ "-e", "print(require 'lagoon'.runtime.preemption())" }).out
    :find "^signal" -- the thread sanitizer keeps signals back

  it("holds up no end of the program, and output is written", function()
    local fifo, kept = helper.path("fifo"), helper.path("kept")
    os.execute(("rm -f '%s'; mkfifo '%s'"):format(fifo, fifo))
    local begin = ([[
      local lagoon = require "lagoon"
      lagoon.go(function() lagoon.fs.read(%q) end)
      lagoon.yield()
      local file = io.open(%q, "wb")
      file:write "all of it"
      io.write "told"
    ]]):format(fifo, kept)
    local ends = { ["os.exit(3)"] = 3, ["lagoon.go(error, 'x') lagoon.sleep(9)"] = 2 }
    if is_heard then
      ends["require('ffi').cdef 'int raise(int);' require('ffi').C.raise(3) lagoon.sleep(9)"] = 2
    end
    for last, status in pairs(ends) do
      local child = script(begin .. last)
      assert.equal(status, child.status, last)
      assert.equal("told", child.out, last)
      assert.equal("all of it", io.open(kept, "rb"):read "*a", last)
      os.remove(kept)
    end
  end)
end)

describe("a task's error that nobody has waited for", function()
  local failing = "local lagoon = require 'lagoon' "
    .. "lagoon.async(error, 'lost') lagoon.sleep(0.001) "

  it("is reported in every way of ending", function()
    for _, ending in ipairs { "", "os.exit(0)", "os.exit(0, true)",
      "lagoon.go(error, 'x') lagoon.sleep(1)", "lagoon.chan():recv()" } do
      local child = script(failing .. ending)
      local _, count = child.err:gsub("a task failed, and nobody waited for it: lost", "")
      assert.equal(1, count, ending)
    end
  end)

  it("is one of a hundred that are reported one by one", function()
    local child = script("local lagoon = require 'lagoon' collectgarbage 'stop' "
      .. "for _ = 1, 103 do lagoon.async(error, 'lost') end lagoon.sleep(0.001)")
    local _, count = child.err:gsub("a task failed, and nobody waited for it: lost", "")
    assert.equal(100, count)
    assert.matches("\nlagoon: %.%.%. and 3 more tasks failed\n", child.err)
  end)

  it("is not reported twice, nor if somebody has", function()
    local child = script("local lagoon = require 'lagoon' local task = lagoon.async(error, 'x') "
      .. "pcall(task.wait, task) os.exit(3)")
    assert.equal(3, child.status)
    assert.equal("", child.err)
  end)
end)

describe("coroutine.yield in a goroutine's own coroutine", function()
  it("is an error where it is called", function()
    local child = script [[
      local ok, err = pcall(coroutine.yield, 1)
      print(ok, err:match "attempt to yield from outside a coroutine")
      print(coroutine.isyieldable())
      local co = coroutine.wrap(function(a)
        print(coroutine.isyieldable(), coroutine.yield(a + 1))
      end)
      print(co(1))
      co "back"
    ]]
    assert.equal("false\tattempt to yield from outside a coroutine\nfalse\n2\ntrue\tback\n",
      child.out)
    assert.equal("", child.err)
  end)
end)

describe("an error value that is hard to show", function()
  it("is shown as far as it can be, with the rest of the report", function()
    local child = script("error('a\\0b', 0)")
    assert.matches("^lagoon: a%zb\nstack traceback:\n", child.err)
    child = script("require 'lagoon'.go(error, setmetatable({}, { __tostring = error })) "
      .. "require 'lagoon'.sleep(1)")
    assert.matches("^lagoon: %(error object is a table value%)\n", child.err)
    assert.matches("goroutine %d+ created by goroutine 1 at ", child.err)
  end)
end)
