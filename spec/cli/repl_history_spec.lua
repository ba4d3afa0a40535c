-- SPDX-License-Identifier: MIT
--
-- The file of the REPL's history, and the sessions that share it.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local open = replterminal.open

-- The folder of a history of so many inputs, and the path of the file.
local function history_of(name, count)
  local lines = {}
  for i = 1, count do
    lines[i] = ("'old %d'\n"):format(i)
  end
  local state = helper.path("history_" .. name)
  assert(lagoon.fs.mkdir(state))
  assert(lagoon.fs.mkdir(state .. "/lagoon"))
  assert(lagoon.fs.write(state .. "/lagoon/history", table.concat(lines)))
  return state, state .. "/lagoon/history"
end

local function inode_and_mode(path)
  return lagoon.process.run("stat", { "-c", "%i %a", path }):match "(%d+) (%d+)"
end

describe("the REPL's history", function()
  after_each(replterminal.kill_all)

  it("is kept across sessions, for its user only, and searched", function()
    local terminal = open()
    terminal.enter("first = 'one'", 2)
    terminal.enter("for i = 1, 1 do\rend", 3)
    terminal.close()
    local again = open { state = terminal.state }
    again.type "\27[A"
    again.shows "1> for i = 1, 1 do\n   end"
    again.type "\27[A\27[A"
    again.shows "1> first = 'one'"
    again.type "\21\18fir"
    again.shows "(search)`fir': first = 'one'"
    again.type "\r"
    again.shows "\n2>"
    again.enter("first", 3)
    again.shows '\n"one"\n'
    again.close()
    local mode = lagoon.process.run("stat", { "-c", "%a", terminal.state .. "/lagoon/history" })
    assert.equal("600\n", mode)
  end)

  it("is cut when it is long, and private in any case", function()
    local state, path = history_of("long", 4001)
    assert.equal(0, select(2, lagoon.process.run("chmod", { "644", path })).code)
    local terminal = open { state = state }
    terminal.type "\27[A"
    terminal.shows "1> 'old 4001'"
    local text = assert(lagoon.fs.read(path))
    assert.matches("^'old 2002'\n.*'old 4001'\n$", text)
    local _, mode = inode_and_mode(path)
    assert.equal("600", mode)
    terminal.type "\21"
    terminal.close()

    state, path = history_of("short", 4000)
    assert.equal(0, select(2, lagoon.process.run("chmod", { "644", path })).code)
    local inode = inode_and_mode(path)
    terminal = open { state = state }
    terminal.type "\27[A"
    terminal.shows "1> 'old 4000'"
    assert.same({ inode, "600" }, { inode_and_mode(path) })
    terminal.type "\21"
    terminal.close()
  end)

  it("loses nothing when another session cuts it", function()
    local state, path = history_of("common", 4000)
    local first = open { state = state }
    first.enter("'one'", 2)
    local second = open { state = state }
    second.enter("'two'", 2)
    first.enter("'three'", 3)
    first.close()
    second.close()
    assert.matches("^'old 2002'\n.*'old 4000'\n'one'\n'two'\n'three'\n$",
      assert(lagoon.fs.read(path)))
    assert.is_nil(lagoon.fs.stat(path .. ".new"))
  end)

  it("goes to the new file where another replaces it meanwhile", function()
    local state, path = history_of("replaced", 1)
    local terminal = open { state = state }
    terminal.shows "1>"
    local other = assert(lagoon.process.spawn("flock", { path, "sh", "-c",
      "echo locked; read go; echo \"'new'\" > \"$0.new\"; mv \"$0.new\" \"$0\"", path }))
    assert.equal("locked", other.stdout:read "*l")
    terminal.type "'mine'\r"
    helper.settle(function()
      return assert(lagoon.fs.read "/proc/locks"):find "-> FLOCK"
    end, "a waiter")
    other.stdin:write "go\n"
    terminal.shows '"mine"\n2>'
    terminal.close()
    assert.equal("'new'\n'mine'\n", assert(lagoon.fs.read(path)))
    assert.equal(0, other:wait().code)
  end)

  it("is missed with one line where it cannot be written", function()
    local terminal = open { state = helper.file("nofolder", ""), columns = 120 }
    terminal.type "'first'\r"
    terminal.shows("history: cannot write [^\n]*Not a directory\n\"first\"\n2>", true)
    terminal.enter("'second'", 3)
    terminal.shows "'second'\n\"second\"\n"
    terminal.type "\27[A\27[A"
    terminal.shows "3> 'first'"
    terminal.close()
  end)
end)
