-- SPDX-License-Identifier: MIT
--
-- examples/embed, each in its real host. A host that is not installed is passed over.
local helper = require "helper"

local build = helper.library:match("(build/[^/]+)/[^/]+$")

local function is_there(path)
  local file = io.open(path)
  return file and file:close()
end

-- Passed over where one of the host's programs is not installed, or the library not built.
local function it_hosted(programs, name, body)
  it(name, function()
    for _, program in ipairs(programs) do
      if os.execute("command -v " .. program .. " >/dev/null") ~= 0 then
        return
      end
    end
    if is_there(helper.library) then
      body()
    end
  end)
end

-- Runs an example until it ends by itself.
local function start(words, opts)
  local env = { LAGOON_BUILD = build, LIBGL_ALWAYS_SOFTWARE = "1",
    SDL_VIDEODRIVER = opts and opts.video }
  local child = helper.child(words, { env = env, limit = 60 })
  assert(child.status == 0, ("status %d: %s%s"):format(child.status, child.out, child.err))
  return child.out, child.err
end

-- The same for one that is compiled before, which must not make the compiler say anything.
local function start_silently(words, opts)
  local out, err = start(words, opts)
  assert.equal("", err)
  return out
end

-- A host that is compiled, which is done for one build.
local function it_compiled(needs, name, body)
  it(name, function()
    local is_release = build:find("/release", 1, true) and is_there(build .. "/liblagoon.a")
    if is_release and os.execute(needs .. " >/dev/null 2>&1") == 0 then
      body()
    end
  end)
end

describe("the host LÖVE", function()
  it_hosted({ "love", "xvfb-run" }, "plays a game, and leaves a picture", function()
    local picture = build .. "/embed/love.png"
    os.execute("mkdir -p " .. build .. "/embed && rm -f " .. picture)
    local out = start { "xvfb-run", "-a", "-s", "-screen 0 640x400x24",
      "examples/embed/start", "love", "--arrivals", 60, "--picture", picture }
    local frames, arrivals = out:match("(%d+) frames, (%d+) arrivals")
    assert.is_true(tonumber(frames) > 10, out)
    assert.is_true(tonumber(arrivals) >= 60, out)
    local png = assert(io.open(picture, "rb")):read("*a")
    assert.equal("\137PNG\r\n\26\n", png:sub(1, 8))
    assert.equal("\0\0\2\128\0\0\1\144", png:sub(17, 24)) -- 640 by 400
    assert.is_true(#png > 10000, "hardly anything is drawn")
  end)
end)

-- Searches a tree and a pipe. The pipe has nothing in it until somebody has typed: if the search
-- kept Neovim's loop busy, or waited in it, neither would ever end.
local DRIVE = [[
local tree, pipe = %q, %q
vim.cmd("Grep needle " .. tree .. " " .. pipe)
vim.api.nvim_create_autocmd("InsertLeave", { callback = function()
  vim.fn.jobstart({ "sh", "-c", "echo a needle >" .. pipe })
end })
vim.api.nvim_input("ityped meanwhile<Esc>")
local timer = vim.loop.new_timer()
timer:start(10, 10, vim.schedule_wrap(function()
  local found = vim.fn.getqflist()
  if #found < 4 or require("lagoon").runtime.num_goroutine() > 0 then
    return
  end
  timer:stop()
  local lines = { vim.api.nvim_get_current_line() }
  for _, entry in ipairs(found) do
    lines[#lines + 1] = vim.fn.fnamemodify(vim.fn.bufname(entry.bufnr), ":t") .. ":" .. entry.lnum
      .. ":" .. entry.col
  end
  io.stdout:write(table.concat(lines, "\n"), "\n")
  vim.cmd "qall!"
end))
]]

describe("the host Neovim", function()
  it_hosted({ "nvim" }, "searches files on all cores while one types", function()
    local tree, pipe = helper.path("tree"), helper.path("pipe")
    os.execute(("mkdir -p %s/inner && rm -f %s && mkfifo %s"):format(tree, pipe, pipe))
    helper.file("tree/one", "hay\nthe needle\n")
    helper.file("tree/two", "needle\nhay\nneedle\n")
    helper.file("tree/inner/none", "hay\n")
    helper.file("tree/.hidden", "needle\n")
    local drive = helper.file("drive.lua", DRIVE:format(tree, pipe))
    local out = start { "examples/embed/start", "neovim", "--headless", "-n", "-i", "NONE",
      "-c", "luafile " .. drive }
    local lines = {}
    for line in out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    assert.equal("typed meanwhile", table.remove(lines, 1))
    table.sort(lines)
    assert.same({ "one:2:5", "pipe:1:3", "two:1:1", "two:3:1" }, lines)
  end)
end)

describe("the host luajit", function()
  it_hosted({ "luajit" }, "runs goroutines and a task beside its frames", function()
    local out = start { "examples/embed/start", "luajit", 60 }
    assert.matches("^.*3\n.*2\n.*1\n", out)
    assert.matches("prediction\tafter 1 s: 10 m\n.*prediction\tafter 5 s: 252 m\n", out)
    assert.matches("60 frames, the rocket is at %d+%.%d m\n$", out)
  end)
end)

describe("a host in C", function()
  it_compiled("command -v cc", "runs goroutines in its loop", function()
    assert.matches("^200 robots made 400 finds in %d+ frames\n$",
      start_silently { "examples/embed/start", "c" })
  end)

  it_compiled("pkg-config --exists sdl2 luajit", "draws with SDL what goroutines move", function()
    local out = start_silently({ "examples/embed/start", "sdl" }, { video = "dummy" })
    local frames, squares = out:match("^(%d+) frames, (%d+) squares\n$")
    assert.is_true(tonumber(frames) > 10 and tonumber(squares) > 732, out)
  end)
end)

describe("a host in C++", function()
  it_compiled("command -v c++", "runs lambdas as goroutines", function()
    assert.matches("^8 sums, together 431998980000600000, in %d+ frames\n$",
      start_silently { "examples/embed/start", "cpp" })
  end)
end)
