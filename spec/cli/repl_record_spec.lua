-- SPDX-License-Identifier: MIT
--
-- :record, in the program.
local lagoon = require "lagoon"
local helper = require "helper"
local json = require "lagoon.json"
local replterminal = require "replterminal"
local vt = require "vt"

local files = 0

local function fresh_path(suffix)
  files = files + 1
  return helper.path("record" .. files .. suffix)
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- The head of a recording, its events, and the texts of one kind of them.
local function parse(path)
  local head, events = nil, {}
  for line in io.lines(path) do
    local value = assert(json.decode(line))
    if head then
      events[#events + 1] = value
      assert(value[1] >= (events[#events - 1] or { 0 })[1])
    else
      head = value
    end
  end
  local function texts(code)
    local list = {}
    for _, event in ipairs(events) do
      list[#list + 1] = event[2] == code and event[3] or nil
    end
    return list
  end
  return head, events, texts
end

describe(":record", function()
  after_each(replterminal.kill_all)

  it("records what the terminal shows, with a marker for each input", function()
    local path = fresh_path ".cast"
    local terminal = replterminal.open { columns = 60, rows = 20 }
    terminal.type(":record " .. path .. "\r")
    terminal.shows "ends it\n1>"
    terminal.enter("6 * 7", 2)
    terminal.enter("print 'é\"\\\\'", 3)
    terminal.type ":record off\r"
    terminal.shows("\nrecorded in ")
    terminal.enter("'not recorded'", 4)
    terminal.close()
    local head, _, texts = parse(path)
    assert.equal(2, head.version)
    assert.equal(60, head.width)
    assert.equal(20, head.height)
    assert.equal("xterm", head.env.TERM)
    assert.same({ "6 * 7", "print 'é\"\\\\'", ":record off" }, texts "m")
    local screen = vt.new(60, 20)
    screen:feed(table.concat(texts "o"))
    assert.truthy(screen:text():find("\n1> 6 * 7\n42\n2> print 'é\"\\\\'\né\"\\\n"
      .. "3> :record off\n", 1, true), screen:text())
    local mode = lagoon.process.run("stat", { "-c", "%a", path })
    assert.equal("600\n", mode)
  end)

  it("is read by asciinema", function()
    local asciinema = io.popen "command -v asciinema":read "*l"
    if not asciinema then
      return
    end
    local path = fresh_path ".cast"
    local terminal = replterminal.open()
    terminal.type(":record " .. path .. "\r")
    terminal.shows "ends it\n1>"
    terminal.enter("'shown by ' .. 'a player'", 2)
    terminal.type ":record\r"
    terminal.shows "recorded in "
    terminal.close()
    local command = ("%s cat '%s'"):format(asciinema, path) -- it wants a terminal
    local played, exit = lagoon.process.run("script", { "-qec", command, "/dev/null" }, {
      env = { HOME = helper.path "home", PATH = os.getenv "PATH", LANG = "C.UTF-8" },
    })
    assert.equal(0, exit.code, played)
    assert.truthy(played:find('"shown by a player"', 1, true), played)
  end)

  it("leaves what is valid when the session dies, and knows of sizes", function()
    local path = fresh_path ".cast"
    local terminal = replterminal.open { columns = 60, rows = 20 }
    terminal.type(":record " .. path .. "\r")
    terminal.shows "ends it\n1>"
    terminal.resize(50, 10)
    helper.settle(function()
      return read(path):find('"50x10"', 1, true)
    end, "the size")
    terminal.enter("for i = 1, 200 do print(i) end", 2)
    terminal.enter("require('ffi').cdef 'int raise(int);'", 3)
    terminal.type "require('ffi').C.raise(9)\r"
    terminal.process:wait()
    local _, events, texts = parse(path)
    assert.is_true(#events > 5)
    assert.truthy(table.concat(texts "o"):find("\r\n200\r\n", 1, true))
    local markers = texts "m"
    assert.equal("require('ffi').C.raise(9)", markers[#markers])
  end)

  it("records inputs as a script, which does the same again", function()
    local path = fresh_path ".lua"
    local child = helper.child({ helper.program, "-i" }, { stdin = table.concat({
      ":record " .. path, "local n = 20", "n + 1", "local function f(x)", "return x * 2", "end",
      "f(n)", "= n, 'two'", "error 'fails'", "no lua", "return n", "sleep(0) &", "1 + 1 &", ":ps",
      ":record off", "print 'not this'",
    }, "\n") .. "\n" })
    assert.matches("^recording in .-\n21\n40\n20\t\"two\"\n", child.out)
    local script = read(path)
    assert.matches("\n%-%- error 'fails'\n%-%- no lua\n", script)
    assert.matches("\n%-%- :ps\n%-%- :record off\n$", script)
    local again = helper.child { helper.program, path }
    assert.matches("^21\n40\n20\ttwo\n20\n", again.out)
    assert.equal("", again.err)
  end)

  it("says what it cannot do", function()
    local path = helper.file("there.lua", "kept")
    local child = helper.child({ helper.program, "-i" }, { stdin = table.concat({
      ":record", ":record off", ":record " .. path, ":record /nowhere/x.cast",
      ":record /dev/null/x.lua" }, "\n") .. "\n" })
    assert.matches("^:record takes a file\nnothing is being recorded\n", child.out)
    assert.matches("\ncannot write [^\n]+there%.lua: it exists\nthere is no terminal to record;",
      child.out)
    assert.matches("\ncannot write /dev/null/x%.lua: Not a directory\n$", child.out)
    assert.equal("kept", read(path))
    local terminal = replterminal.open { columns = 200 } -- paths may be long
    terminal.type(":record " .. path:gsub("lua$", "cast") .. "\r:record " .. path:gsub("lua$",
      "cast") .. "\r")
    terminal.shows "File exists"
    terminal.close()
  end)
end)
