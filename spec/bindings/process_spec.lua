-- SPDX-License-Identifier: MIT
--
-- lagoon.process: children, and what passes between them and us.
local lagoon = require "lagoon"
local helper = require "helper"
local process, fs, async = lagoon.process, lagoon.fs, lagoon.async

local MB = 1024 * 1024

-- A line of shell as a child.
local function shell(line, opts)
  return assert(process.spawn("bash", { "-c", line }, opts))
end

local function close(child)
  for _, stream in ipairs { child.stdin, child.stdout, child.stderr } do
    stream:close()
  end
end

-- How it ends, and what it has written to its stdout.
local function finish(child)
  local out = child.stdout:read("*a")
  local exit = child:wait()
  close(child)
  return exit, out
end

-- The guard does not count pipes and pidfds: loops have some.
local function descriptors()
  return #fs.list("/proc/self/fd")
end

local function is_zombie(pid)
  local stat = fs.read("/proc/" .. pid .. "/stat")
  return stat and stat:match("%) (%u)") == "Z"
end

local function is_there(pid)
  return fs.stat("/proc/" .. pid) ~= nil and not is_zombie(pid)
end

describe("process.spawn", function()
  it("connects three streams", function()
    local child = shell("read line; echo \"out $line\"; echo \"err $line\" >&2")
    child.stdin:write("one\n")
    assert.equal("out one", child.stdout:read("*l"))
    assert.equal("err one", child.stderr:read("*l"))
    assert.is_nil(child.stdout:read())
    assert.same({ code = 0 }, child:wait())
    close(child)
  end)

  it("gives arguments as they are, without a shell", function()
    local words = { "a b", "$HOME", "", "*", "'\"", 5 }
    local exit, out = finish(assert(process.spawn("printf", { "<%s>", unpack(words) })))
    assert.same({ code = 0 }, exit)
    assert.equal("<a b><$HOME><><*><'\"><5>", out)
  end)

  it("says ENOENT for a program or a directory that is not there", function()
    local before = descriptors()
    local missing = { nil, "no such file or directory", "ENOENT" }
    assert.same(missing, { process.spawn("lagoon-no-such-program") })
    assert.same(missing, { process.spawn("/no/such/program") })
    assert.same(missing, { process.spawn("true", {}, { cwd = "/no/such/place" }) })
    assert.equal(before, descriptors())
  end)

  it("says EACCES for what is no program", function()
    assert.equal("EACCES", (select(3, process.spawn(helper.file("no program", "x")))))
  end)

  it("takes a directory and an environment", function()
    local exit, out = finish(assert(process.spawn("/bin/pwd", nil, { cwd = "/proc" })))
    assert.same({ code = 0 }, exit)
    assert.equal("/proc\n", out)
    exit, out = finish(assert(process.spawn("env", {}, { env = { A = "1 2" } })))
    assert.same({ code = 0 }, exit)
    assert.equal("A=1 2\n", out)
    exit, out = finish(shell("echo $HOME"))
    assert.same({ code = 0 }, exit)
    assert.equal(os.getenv("HOME") .. "\n", out)
  end)

  it("leaves no descriptor but the three open", function()
    local ffi = require "ffi"
    pcall(ffi.cdef, "int dup2(int fd, int other); int close(int fd);")
    local leaky = ffi.C.dup2(1, 250) -- without close-on-exec
    local out = process.run("ls", { "/proc/self/fd" })
    ffi.C.close(leaky)
    assert.equal(250, leaky)
    assert.equal("0\n1\n2\n3\n", out) -- 3 is the directory that it lists
  end)

  it("lets a child have all signals", function()
    local status = process.run("cat", { "/proc/self/status" })
    for _, what in ipairs { "SigBlk", "SigIgn", "SigCgt" } do
      local mask = status:match(what .. ":%s(%x+)\n")
      -- The C library keeps 32 and 33 for itself, and ignores them in children.
      assert.is_truthy(tonumber(mask, 16) == 0 or mask == "0000000180000000", what .. " " .. mask)
    end
  end)

  it("takes null and our own streams", function()
    local child = shell("cat; echo lost", { stdin = "null", stdout = "null", stderr = "inherit" })
    assert.is_nil(child.stdin)
    assert.is_nil(child.stdout)
    assert.is_nil(child.stderr)
    assert.same({ code = 0 }, child:wait())
    local program = helper.script([[
      local process = require("lagoon").process
      process.spawn("cat", {}, { stdin = "inherit", stdout = "inherit" }):wait()
    ]], { stdin = "passed on" })
    assert.equal("passed on", program.out)
  end)

  it("has its pipes opened by name", function()
    local child = shell("echo err >/dev/stderr; cat /dev/stdin >/dev/stdout")
    child.stdin:write("in")
    assert.is_true(child.stdin:close_write())
    assert.same({ nil, "closed", nil, 0 }, { child.stdin:write("more") })
    assert.equal("err\n", child.stderr:read("*a"))
    local exit, out = finish(child)
    assert.same({ code = 0 }, exit)
    assert.equal("in", out)
  end)

  it("raises for misuse", function()
    local function message(...)
      return helper.message_of(function(...) process.spawn(...) end, ...)
    end
    assert.equal("bad argument #1 to 'spawn' (program: a string expected, got nil)", message())
    assert.equal("bad argument #2 to 'spawn' (argument 2: a string expected, got table)",
      message("true", { "x", {} }))
    assert.equal("bad argument #2 to 'spawn' (argument 1: a string without zero bytes expected)",
      message("true", { "x\0" }))
    assert.equal("bad argument #2 to 'spawn' (a table expected, got string)", message("true", "x"))
    assert.equal("bad argument #3 to 'spawn' (stdin: \"pipe\", \"inherit\" or \"null\" expected)",
      message("true", {}, { stdin = "file" }))
    assert.equal("bad argument #3 to 'spawn' (env: a table expected, got number)",
      message("true", {}, { env = 1 }))
  end)
end)

describe("a pipe to a child", function()
  it("says EPIPE when the child has closed it, and raises no SIGPIPE", function()
    local child = shell("exec <&-; echo closed; exec sleep 100")
    assert.equal("closed", child.stdout:read("*l"))
    local n, err, code, gone = child.stdin:write("x")
    assert.same({ "broken pipe", "EPIPE", 0 }, { err, code, gone })
    assert.is_nil(n)
    child:kill()
    finish(child)
  end)

  it("wakes who writes when the child ends", function()
    local child = assert(process.spawn("sleep", { 100 }))
    local writer = helper.parked(async(child.stdin.write, child.stdin, ("x"):rep(MB)))
    child:kill()
    assert.equal("EPIPE", (select(3, writer:wait())))
    finish(child)
  end)

  it("waits for a child that does not read, until a deadline", function()
    local child = assert(process.spawn("sleep", { 100 }))
    child.stdin:set_deadline(0.02)
    local _, err, code, gone = child.stdin:write(("x"):rep(MB))
    assert.same({ "timeout", "ETIMEDOUT" }, { err, code })
    assert.is_true(gone > 0 and gone < MB)
    child.stdout:set_deadline(0.01)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { child.stdout:read() })
    child:kill()
    finish(child)
  end)
end)

describe("process:wait", function()
  it("tells the exit status", function()
    for _, code in ipairs { 0, 1, 77, 255 } do
      assert.same({ code = code }, finish(shell("exit " .. code)))
    end
  end)

  it("tells the signal", function()
    assert.same({ signal = "SIGKILL" }, finish(shell("kill -KILL $$")))
    assert.same({ signal = "SIGUSR1" }, finish(shell("kill -USR1 $$")))
  end)

  it("gives the same to all who wait, also afterwards", function()
    local child = shell("read; exit 3")
    local first = async(child.wait, child)
    local second = async(child.wait, child)
    helper.parked(first, second)
    child.stdin:close()
    assert.same({ code = 3 }, first:wait())
    assert.same({ code = 3 }, second:wait())
    assert.same({ code = 3 }, child:wait())
    assert.same({ code = 3 }, child:wait(0))
    close(child)
  end)

  it("times out, and leaves the child alive", function()
    local child = assert(process.spawn("cat"))
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { child:wait(0.01) })
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { child:wait(0) })
    child.stdin:write("still here\n")
    assert.equal("still here", child.stdout:read("*l"))
    child.stdin:close()
    assert.same({ code = 0 }, finish(child))
  end)

  it("is cancelled, and leaves the child alive", function()
    local child = assert(process.spawn("cat"))
    local waiter = helper.parked(async(child.wait, child))
    waiter:cancel("enough")
    assert.equal("enough", helper.error_of(waiter.wait, waiter))
    child.stdin:write("still here\n")
    assert.equal("still here", child.stdout:read("*l"))
    child.stdin:close()
    assert.same({ code = 0 }, finish(child))
  end)

  it("lets the others run meanwhile", function()
    local child = shell("read")
    local waiter = helper.parked(async(child.wait, child))
    assert.equal("process wait", lagoon.runtime.stack(true):match("process wait"))
    child.stdin:close()
    assert.same({ code = 1 }, waiter:wait())
    close(child)
  end)

  it("takes fifty at once", function()
    local before = descriptors()
    local children, group = {}, lagoon.group()
    for i = 1, 50 do
      children[i] = shell("read; exit " .. i)
    end
    for i, child in ipairs(children) do
      group:go(function()
        assert.same({ code = i }, child:wait())
      end)
    end
    for i = 50, 1, -1 do
      children[i].stdin:close()
    end
    group:wait()
    for _, child in ipairs(children) do
      close(child)
    end
    assert.equal(before, descriptors())
  end)
end)

describe("process:kill", function()
  it("sends a signal by name or number", function()
    for _, case in ipairs {
      { nil, "SIGTERM" }, { "SIGINT", "SIGINT" }, { "HUP", "SIGHUP" }, { 9, "SIGKILL" },
    } do
      local child = assert(process.spawn("sleep", { 100 }))
      assert.is_true(child:kill(case[1]))
      assert.same({ signal = case[2] }, finish(child))
    end
  end)

  it("says ESRCH when it has ended", function()
    local child = assert(process.spawn("true"))
    finish(child)
    assert.same({ nil, "no such process", "ESRCH" }, { child:kill() })
  end)

  it("raises for what is no signal", function()
    local child = assert(process.spawn("true"))
    local expected = "bad argument #1 to 'kill' (the name or number of a signal expected)"
    for _, signal in ipairs { "SIGNONE", "", -1, 1.5, 1000, true } do
      assert.equal(expected, helper.message_of(function() child:kill(signal) end))
    end
    finish(child)
  end)
end)

describe("a process that nobody waits for", function()
  it("goes on, and leaves no zombie", function()
    local pid
    do
      local child = shell("read; exit 1", { stdout = "null", stderr = "null" })
      pid = child:pid()
      local stdin = child.stdin
      child = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_true(is_there(pid))
      stdin:close()
    end
    helper.settle(function()
      lagoon.sleep(0.001) -- the loop is looked at while somebody waits
      collectgarbage()
      return not fs.stat("/proc/" .. pid)
    end, "the child is gone")
  end)

  it("survives the program that has started it", function()
    local program = helper.script([[
      local process = require("lagoon").process
      local none = { stdin = "null", stdout = "null", stderr = "null" }
      local child = process.spawn("sleep", { 100 }, none)
      print(child:pid())
    ]])
    assert.equal(0, program.status)
    local pid = tonumber(program.out)
    assert.is_true(is_there(pid))
    local _, exit = process.run("bash", { "-c", "kill " .. pid })
    assert.equal(0, exit.code)
  end)
end)

describe("process.run", function()
  it("returns what the program has written, and how it has ended", function()
    local out, exit = process.run("bash", { "-c", "echo out; echo err >&2; exit 4" })
    assert.equal("out\n", out)
    assert.same({ code = 4, stderr = "err\n" }, exit)
    out, exit = process.run("true")
    assert.equal("", out)
    assert.same({ code = 0, stderr = "" }, exit)
  end)

  it("says ENOENT where there is no such program", function()
    assert.same({ nil, "no such file or directory", "ENOENT" },
      { process.run("lagoon-no-such-program") })
  end)

  it("gives input, and without it the end", function()
    local text = ("0123456789"):rep(MB / 10)
    assert.is_true(process.run("cat", {}, { input = text }) == text)
    assert.equal("", process.run("cat"))
  end)

  it("does not mind a child that does not read its input", function()
    local before = descriptors()
    local out, exit = process.run("echo", { "done" }, { input = ("x"):rep(MB) })
    assert.equal("done\n", out)
    assert.equal(0, exit.code)
    assert.equal(before, descriptors())
  end)

  it("reads floods of both outputs side by side", function()
    local flood = ("head -c %d /dev/zero"):format(10 * MB)
    for _, line in ipairs { "@; @ >&2", "@ >&2; @", "@ & @ >&2; wait" } do
      local out, exit = process.run("bash", { "-c", (line:gsub("@", flood)) })
      assert.equal(10 * MB, #out)
      assert.equal(10 * MB, #exit.stderr)
      assert.equal(0, exit.code)
    end
  end)

  it("kills the program at its timeout", function()
    local before = descriptors()
    local opts = { timeout = 0.02 }
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { process.run("sleep", { 100 }, opts) })
    helper.settle(function() return descriptors() <= before end, "descriptors")
  end)

  it("kills the program when it is cancelled", function()
    local before = descriptors()
    local path = helper.path("pid")
    os.remove(path)
    local task = async(process.run, "bash", { "-c", "echo $$ >'" .. path .. "'; exec sleep 100" })
    local pid
    helper.settle(function()
      lagoon.sleep(0.001)
      pid = tonumber(fs.read(path) or "")
      return pid
    end)
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    helper.settle(function()
      lagoon.sleep(0.001)
      return not fs.stat("/proc/" .. pid)
    end, "the child is gone")
    helper.settle(function() return descriptors() <= before end, "descriptors")
  end)

  it("raises for misuse", function()
    assert.equal("bad argument #3 to 'run' (input: a string expected, got table)",
      helper.message_of(function() process.run("cat", {}, { input = {} }) end))
  end)

  it("works in other states", function()
    local out = helper.parallel(function()
      return (require("lagoon").process.run("echo", { "there" }))
    end):wait()
    assert.equal("there\n", out)
  end)
end)
