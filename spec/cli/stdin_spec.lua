-- SPDX-License-Identifier: MIT
--
-- Standard input of the program: who reads it blocks the goroutine, and gets what Lua's own
-- functions give.
local helper = require "helper"

local function has(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1") == 0
end

-- What a script prints; `input` is a shell command that writes to its standard input.
local function output_of(script, input, status)
  local path = helper.file("reads.lua", script)
  local child = helper.child({ "bash", "-c", input .. " | $B " .. path },
    { env = { B = helper.program } })
  assert.equal("", child.err)
  assert.equal(status or 0, child.status)
  return child.out
end

-- What it prints, which must be what Lua's own functions give it, which read a file.
local function as_from_a_file(script, text)
  local path = helper.file("input", text)
  local file = helper.lagoon({ helper.file("reads.lua", script) }, { stdin = text })
  assert.equal("", file.err)
  local out = output_of(script, "cat " .. path)
  assert.equal(file.out, out)
  return out
end

local SHOW = [[
  local function show(...)
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      io.write(type(value), "<", tostring(value), "> ")
    end
    io.write("\n")
  end
]]

describe("io.read of a pipe", function()
  it("has Lua's own formats", function()
    local out = as_from_a_file(SHOW .. [[
      show(io.read())
      show(io.read("*L", "l", 3, 0))
      show(io.read("*n", "*n", "n"))
      show(io.stdin:read("*l", "*line"))
      show(io.read(2, "*all"))
      show(io.read("*a", "*l", "*a"))
      show(io.read(0))
      show(io.read("*n"))
      show(io.read())
    ]], "one\ntwo\nthree\nabc\n 12 -0x1F\n\t1.5e3rest\nmore\n\0xyz\n...")
    assert.matches("number<1500>", out)
  end)

  it("takes numbers as scanf does, and what is none", function()
    as_from_a_file(SHOW .. [[
      for _ = 1, 30 do
        show(io.read("*n"))
        show(io.read("*l"))
      end
    ]], table.concat({ "12", "+7 ", ".5", "5.", ".", "-", "1e", "1e+x", "1e+5x", "0x", "0xfg",
      "abc", "", "  ", " 3", "1.2.3", "--1", ".e1", "1.e1", "0x.8p1", "0x1p", "1e5e5", "00012",
      "7e" }, "\n"))
  end)

  it("raises for what is no format", function()
    local out = output_of([[print(pcall(io.read, "*x")) print(pcall(io.read, "*l", {}))]], "echo x")
    assert.matches("bad argument #1 to 'read' %(invalid format%)", out)
    assert.matches("bad argument #2 to 'read' %(invalid format%)", out)
  end)

  -- Input that comes when the script calls go(), which reads in other goroutines before that.
  local function with_go(script, text)
    local fifo = helper.path("go")
    os.execute(("rm -f '%s'; mkfifo '%s'"):format(fifo, fifo))
    return output_of(([[
      local lagoon = require "lagoon"
      local function go()
        local file = io.open(%q, "w")
        file:write("go\n")
        file:close()
      end
    ]]):format(fifo) .. script, ("{ read _ < '%s'; printf '%s'; }"):format(fifo, text))
  end

  it("lets the others run meanwhile", function()
    assert.equal("a line\ttrue\n", with_go([[
      local n = 0
      lagoon.go(function()
        for _ in lagoon.tick(0.001) do
          n = n + 1
          if n == 5 then go() end
        end
      end)
      print(io.read(), n >= 5)
    ]], "a line"))
  end)

  it("serves several in line, and loses nothing to a cancellation", function()
    assert.equal("false\tno more\n0\n1\n2\n3\n", with_go([[
      local first = lagoon.async(io.read)
      lagoon.yield()
      local second = lagoon.async(io.read, "*n")
      lagoon.yield()
      first:cancel("no more")
      print(pcall(first.wait, first))
      second:cancel()
      pcall(second.wait, second)
      local tasks = {}
      for i = 1, 4 do tasks[i] = lagoon.async(io.read) end
      lagoon.yield()
      go()
      for i = 1, 4 do print(tasks[i]:wait()) end
    ]], "0\\n1\\n2\\n3\\n"))
  end)

  it("goes on where those who read, or stand in line, were killed", function()
    assert.equal("one\ntwo\nthree\n", with_go([[
      local group = lagoon.group()
      group:go(io.read)
      lagoon.yield()
      local first = lagoon.async(io.read)
      lagoon.yield()
      group:go(io.read, "*l")
      lagoon.yield()
      local second = lagoon.async(io.read)
      lagoon.yield()
      group:kill()
      go()
      print(first:wait(10))
      print(second:wait(10))
      print(io.read())
    ]], "one\\ntwo\\nthree\\n"))
  end)

  it("leaves what Lua's own functions do as it is, for other files", function()
    local path = helper.file("stdin_other", "from a file\n")
    local out = output_of(([[
      io.input(%q)
      print(io.read(), io.read())
      io.input(io.stdin)
      print(io.read())
      for line in io.lines(%q) do print(line) end
    ]]):format(path, path), "echo from a pipe")
    assert.equal("from a file\tnil\nfrom a pipe\nfrom a file\n", out)
  end)

  it("works inside a C function", function()
    assert.equal("x=1\n", output_of([[print((("x"):gsub("x", function() return io.read() end)))]],
      "echo x=1"))
  end)

  it("is no deadlock", function()
    assert.equal("nil\n", output_of("print(io.read())", "sleep 0.05"))
  end)
end)

describe("io.lines of a pipe", function()
  it("has every line, whatever its length", function()
    local out = output_of([[
      local n, bytes = 0, 0
      for line in io.lines() do n, bytes = n + 1, bytes + #line end
      print(n, bytes, io.read())
    ]], "seq 1 20000")
    assert.equal("20000\t88894\tnil\n", out)
  end)

  it("takes formats, and is a method of io.stdin, too", function()
    as_from_a_file(SHOW .. [[
      for a, b in io.stdin:lines(1, "*L") do show(a, b) if a == "4" then break end end
      for line in io.stdin:lines() do show(line) end
    ]], "1 one\n2 two\n3 three\n4\nfive\nsix")
  end)
end)

describe("io.read of a socket", function()
  if not has "python3" then
    return
  end

  it("blocks its goroutine only, and leaves the socket as it is", function()
    local script = helper.file("reads.lua", [[
      local lagoon = require "lagoon"
      lagoon.timer(0.001, function()
        print("waiting")
        io.flush()
      end)
      print(io.read())
      print(io.read("*a"))
    ]])
    local driver = helper.file("driver.py", [[
import os, socket, subprocess, sys
ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), os.get_blocking(theirs.fileno()))
ours.sendall(b"a line\nthe rest")
ours.shutdown(socket.SHUT_WR)
print(child.communicate()[0].decode(), end="")
]])
    local child = helper.child { "python3", driver, helper.program, script }
    assert.equal("", child.err)
    assert.equal("waiting\n True\na line\nthe rest\n", child.out)
  end)
end)

describe("io.read of a terminal", function()
  if not has "python3" then
    return
  end

  -- Runs a script in a terminal of its own. What is written there waits until the program has
  -- printed what is awaited.
  local function in_terminal(script, talk)
    local words = { "python3", helper.file("driver.py", [[
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:3])
said = b""
def await_text(text):
    global said
    while text not in said:
        try:
            more = os.read(terminal, 4096)
        except OSError: # the other side is closed
            more = b""
        if not more:
            print("ended with", said)
            sys.exit(1)
        said += more
    said = said[said.index(text) + len(text):]
for i in range(3, len(sys.argv), 2):
    await_text(sys.argv[i].encode())
    os.write(terminal, sys.argv[i + 1].encode())
await_text(b"over")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
]]), helper.program, helper.file("reads.lua", script), unpack(talk) }
    local child = helper.child(words)
    assert.equal("", child.err)
    assert.equal("0\n", child.out)
  end

  it("takes lines while a ticker goes on, and Ctrl-D for the end", function()
    in_terminal([[
      local lagoon = require "lagoon"
      local n = 0
      lagoon.go(function()
        for _ in lagoon.tick(0.001) do
          n = n + 1
          if n == 5 then io.write("ticked\n") io.flush() end
        end
      end)
      assert(io.read() == "a line")
      io.write("heard\n") io.flush()
      assert(io.read("*n") == 42)
      assert(io.read("*l") == "")
      io.write("numbered\n") io.flush()
      assert(io.read() == nil)
      print("over")
    ]], { "ticked", "a line\n", "heard", "42\n", "numbered", "\4" })
  end)

  it("goes on behind Ctrl-D, but not in the same call", function()
    in_terminal([[
      local function say(text) io.write(text, "\n") io.flush() end
      say "all"
      assert(io.read("*a") == "one\n")
      say "line"
      assert(io.read() == "two")
      say "end"
      local all, line = io.read("*a", "*l")
      assert(all == "" and line == nil)
      say "number"
      assert(io.read("*n") == 12)
      say "cut"
      assert(io.read() == "three")
      assert(io.read() == "four")
      print("over")
    ]], { "all", "one\n\4", "line", "two\n", "end", "\4", "number", "12\4\4", "cut",
      "three\4\4", "three", "four\n" })
  end)

  it("leaves the next line to a child process, and the terminal as it was", function()
    in_terminal([[
      local lagoon = require "lagoon"
      io.write("first\n") io.flush()
      assert(io.read() == "ours")
      io.write("second\n") io.flush()
      lagoon.yield()
      assert(os.execute("read word; test \"$word\" = theirs") == 0)
      print("over")
    ]], { "first", "ours\n", "second", "theirs\n" })
  end)
end)
