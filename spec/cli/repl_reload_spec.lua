-- SPDX-License-Identifier: MIT
--
-- :reload, in the program.
local helper = require "helper"
local replterminal = require "replterminal"

local OLD = [[
local M = {}
local gate = require("lagoon").chan()
function M.speed() return 1 end
function M.wait() gate:recv() return "old" end
function M.open() gate:close() end
return M
]]
local NEW = OLD:gsub("return 1", "return 2000"):gsub('"old"', '"newer"')
  :gsub("return M", "function M.more() end\nreturn M")

local names = 0

-- A module's file, and what a session types to find it.
local function module_file(text)
  names = names + 1
  local name = "reloaded" .. names
  local path = helper.file(name .. ".lua", text)
  return name, path, ("package.path = '%s/?.lua;' .. package.path"):format(path:match "^(.*)/")
end

describe(":reload", function()
  after_each(replterminal.kill_all)

  it("brings new code, and tells who is still in the old one", function()
    local name, _, find = module_file(OLD)
    local terminal = replterminal.open { columns = 120 }
    terminal.enter(find, 2)
    terminal.enter("m = require '" .. name .. "'", 3)
    terminal.enter("t = async(m.wait) lagoon.yield()", 4)
    helper.file(name .. ".lua", NEW)
    terminal.type(":reload " .. name .. "\r")
    terminal.shows("\n" .. name .. ": 3 functions replaced in %d places\n  new: more\n"
      .. "  goroutine %d+ is still in old code, at .-" .. name .. "%.lua:4\n4>", true)
    terminal.enter("m.speed()", 5)
    terminal.shows "\n2000\n5>"
    terminal.enter("m.open() return t:wait()", 6)
    terminal.shows '\n"old"\n6>'
    terminal.close()
  end)

  it("without a name takes those whose files have changed", function()
    local name, _, find = module_file(OLD)
    local terminal = replterminal.open { columns = 120 }
    terminal.enter(find, 2)
    terminal.enter("m = require '" .. name .. "'", 3)
    terminal.type ":reload\r"
    terminal.shows "\nno module's file has changed\n3>"
    helper.file(name .. ".lua", NEW)
    terminal.type ":reload\r"
    terminal.shows("\n" .. name .. ": 3 functions replaced", true)
    terminal.type "\12:reload\r" -- on a screen that shows nothing else
    terminal.shows "3> :reload\nno module's file has changed\n3>"
    terminal.close()
  end)

  it("says why it cannot, and leaves all as it was", function()
    local name, path, find = module_file(OLD)
    local spoil = "f = io.open('" .. path .. "', 'w') f:write 'return {' f:close()"
    local child = helper.child({ helper.program, "-i" }, { stdin = table.concat({ find,
      "m = require '" .. name .. "'", spoil, ":reload", ":reload nothing", "m.speed()" }, "\n") })
    assert.matches("^error loading module.-reloaded%d+%.lua:1: unexpected symbol", child.out)
    assert.matches("\nmodule 'nothing' is not loaded\n1\n$", child.out)
  end)

  it("completes names of modules", function()
    local name, _, find = module_file(OLD)
    local terminal = replterminal.open()
    terminal.enter(find .. " require '" .. name .. "'", 2)
    terminal.type(":reload " .. name:sub(1, -2) .. "\t\r")
    terminal.shows("2> :reload " .. name .. "\n" .. name .. ": ")
    terminal.close()
  end)
end)
