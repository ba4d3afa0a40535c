-- SPDX-License-Identifier: MIT
--
-- The program in a terminal of the specs' own, for specs of the REPL: keys are typed, and what is
-- to be seen is looked at.
local lagoon = require "lagoon"
local helper = require "helper"
local vt = require "vt"

local replterminal = {}

local COMMAND = "tty > '%s'; stty rows %d cols %d; exec %s"

local folders = 0
local running = {} -- programs that stay behind where a spec fails

---A terminal with the program in it.
---@param opts? { columns?: integer, rows?: integer, state?: string, term?: string, args?: string,
---no_color?: string, locale?: string, is_unseen?: boolean, command?: string, shows?: string }
---is_unseen: what is written is more than the screens of specs know; command: instead of the
---program, with what it shows first
function replterminal.open(opts)
  opts = opts or {}
  folders = folders + 1
  local columns, rows = opts.columns or 80, opts.rows or 24
  local state = opts.state or helper.path("state" .. folders)
  local tty = helper.path("tty" .. folders)
  local command = COMMAND:format(tty, rows, columns, opts.command
    or ("'%s' %s"):format(helper.program, opts.args or ""))
  local process = assert(lagoon.process.spawn("script", { "-qfec", command, "/dev/null" }, {
    env = { TERM = opts.term or "xterm", XDG_STATE_HOME = state, PATH = os.getenv "PATH",
      NO_COLOR = opts.no_color, LC_ALL = opts.locale, HOME = helper.path "home" },
  }))
  local screen = vt.new(columns, rows)
  local raw = {}
  running[process] = true
  local reader = lagoon.async(function()
    while true do
      local bytes = process.stdout:read()
      if not bytes then
        return
      end
      raw[#raw + 1] = bytes
      if not opts.is_unseen then
        screen:feed(bytes)
      end
    end
  end)
  local terminal = { screen = screen, process = process, state = state }

  function terminal.type(keys)
    assert(process.stdin:write(keys))
  end

  function terminal.raw()
    return table.concat(raw)
  end

  -- Waits until the screen shows a text; a pattern, if it says so.
  function terminal.shows(text, is_pattern)
    local ok, err = pcall(helper.settle, function()
      if reader:status() == "failed" then
        reader:wait()
      end
      return screen:text():find(text, 1, not is_pattern)
    end, "the screen")
    if not ok then
      error(("%q is not to be seen, but\n%s\n%s"):format(text, screen:text(), err), 2)
    end
  end

  -- Waits until the program has written a text.
  function terminal.writes(text)
    helper.settle(function()
      return terminal.raw():find(text, 1, true)
    end, text)
  end

  -- The path of the program's terminal.
  function terminal.name()
    local file = assert(io.open(tty))
    local path = file:read "*l"
    file:close()
    return path
  end

  -- What stty says of it.
  function terminal.stty(...)
    local out, exit = lagoon.process.run("stty", { "-F", terminal.name(), ... })
    assert(exit.code == 0)
    return out
  end

  function terminal.resize(new_columns, new_rows)
    screen.columns, screen.height = new_columns, new_rows
    terminal.stty("cols", tostring(new_columns), "rows", tostring(new_rows))
  end

  -- Types an input, and waits for the prompt of the next.
  function terminal.enter(input, n)
    terminal.type(input .. "\r")
    terminal.shows(("\n%d>"):format(n))
  end

  function terminal.close()
    process.stdin:write "\21\4" -- nothing is left on the line
    process.stdin:close()
    local exit = process:wait()
    reader:wait()
    process.stdout:close()
    process.stderr:close()
    running[process] = nil
    return exit
  end

  if opts.is_unseen then
    terminal.writes "1> "
  else
    terminal.shows(opts.shows or "1>")
  end
  return terminal
end

---Ends the programs that a spec which has failed has left.
function replterminal.kill_all()
  for process in pairs(running) do
    process:kill "SIGKILL"
  end
  running = {}
end

return replterminal
