-- SPDX-License-Identifier: MIT
--
-- Children of the REPL's inputs, which have the terminal.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local open = replterminal.open

local files = 0

-- A path at which the terminal's child says how far it is.
local function fresh_path()
  files = files + 1
  return helper.path("child" .. files)
end

local function has(name)
  return select(2, lagoon.process.run("sh", { "-c", "command -v " .. name })).code == 0
end

local function await_file(path)
  helper.settle(function() return lagoon.fs.stat(path) end, path)
end

describe("a child of os.execute", function()
  after_each(replterminal.kill_all)

  it("hears what is typed, and leaves the rest to the prompt", function()
    local terminal = open()
    terminal.type [[os.execute "printf 'name? '; read x; echo \"<$x>\""]]
    terminal.type "\r"
    terminal.shows "\nname?"
    terminal.type "Ada\r6 * 7\r"
    terminal.shows "name? Ada\n"
    terminal.shows "\n<Ada>\n"
    terminal.shows "\n42\n3>"
    terminal.type "'half"
    terminal.shows("\n3> 'half$", true)
    terminal.type "'\r"
    terminal.shows '\n"half"\n4>'
    assert.equal(0, terminal.close().code)
  end)

  it("finds the user's terminal, with its size and its modes", function()
    local terminal = open { columns = 70, rows = 20 }
    terminal.enter([[os.execute "stty size; stty -a | tr ' ' '\\n' | grep -x -e -*icanon"]], 2)
    terminal.shows("\n20 70\nicanon\n0\n")
    terminal.enter([[os.execute "test -t 0 -a -t 1 -a -t 2 && tty && sh -c 'tty </dev/tty'"]], 3)
    local tty = io.open(helper.path("tty")) -- of none: each has a number of its own
    assert.is_nil(tty)
    terminal.shows(terminal.name() .. "\n/dev/tty\n0\n3>")
    terminal.close()
  end)

  it("has each key at once, if it wants that", function()
    local terminal = open()
    terminal.type [[os.execute "stty raw -echo; printf 'key? '; dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane"]]
    terminal.type "\r"
    terminal.shows "\nkey?"
    terminal.type "\3"
    terminal.shows "key?  03\n"
    terminal.shows "\n0\n2>"
    terminal.enter("1 + 1", 3)
    terminal.close()
  end)
end)
