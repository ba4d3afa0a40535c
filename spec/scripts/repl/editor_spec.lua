-- SPDX-License-Identifier: MIT
--
-- The editor and what it draws, without a terminal: a screen of the specs' own shows it.
local editor = require "lagoon.repl.editor"
local helper = require "helper"
local history = require "lagoon.repl.history"
local keys = require "lagoon.repl.keys"
local screen = require "lagoon.repl.screen"
local vt = require "vt"

local function width(character)
  local byte = character:byte()
  return character:find "^\204" and 0 or byte >= 0xE3 and byte <= 0xED and 2 or 1
end

local function new(opts)
  opts = opts or {}
  local past = history.new(opts.history or "")
  return editor.new {
    width = width,
    history = past,
    is_complete = function(text) return not text:find "%($" end,
    complete = function(text)
      local word = text:match "%a*$"
      local words = {}
      for _, candidate in ipairs { "print", "printer", "pairs" } do
        if candidate:sub(1, #word) == word then
          words[#words + 1] = candidate
        end
      end
      return #text - #word, words
    end,
  }
end

-- What the keys lead to: text with a bar for the cursor, and the last action.
local function press(self, bytes)
  local decoder = keys.new()
  local last, text
  for _, key in ipairs(decoder:feed(bytes)) do
    local action, with = self:press(key)
    if action then
      last, text = action, with
    end
  end
  for _, key in ipairs(decoder:flush()) do
    self:press(key)
  end
  local view = self:view()
  return view.text:sub(1, view.at) .. "|" .. view.text:sub(view.at + 1), last, text
end

describe("repl.editor", function()
  it("moves by characters, words and lines", function()
    local self = new()
    assert.equal("one two.three|", press(self, "one two.three"))
    assert.equal("one two.|three", press(self, "\27b"))
    assert.equal("one |two.three", press(self, "\27b"))
    assert.equal("one two|.three", press(self, "\27f"))
    assert.equal("|one two.three", press(self, "\1"))
    assert.equal("o|ne two.three", press(self, "\27[C"))
    assert.equal("one two.three|", press(self, "\27[F"))
    assert.equal("one two.thre|e", press(self, "\2"))
  end)

  it("steps over a character with its marks", function()
    local self = new()
    assert.equal("e\204\129|x", press(self, "e\204\129x\27[D"))
    assert.equal("|x", press(self, "\127"))
  end)

  it("kills and yanks, several kills in a row as one", function()
    local self = new()
    assert.equal("a |", press(self, "a b c\23\23"))
    assert.equal("a b c|", press(self, "\25"))
    assert.equal("|", press(self, "\21"))
    assert.equal("a b ca b c|", press(self, "\25\25"))
    assert.equal("|", press(self, "\1\11"))
  end)

  it("goes back step by step", function()
    local self = new()
    press(self, "abc\23def\127")
    assert.equal("def|", press(self, "\31"))
    assert.equal("|", press(self, "\31"))
    assert.equal("abc|", press(self, "\31"))
    assert.equal("|", press(self, "\31\31\31"))
  end)

  it("submits with Enter, unless the input is not finished", function()
    local self = new()
    local view, action = press(self, "f(\r")
    assert.equal("f(\n|", view)
    assert.is_nil(action)
    local text
    view, action, text = press(self, "1)\r")
    assert.equal("|", view)
    assert.equal("submit", action)
    assert.equal("f(\n1)", text)
  end)

  it("keeps the indentation, and moves between lines", function()
    local self = new()
    assert.equal("  a\n  b|", press(self, "\27[200~  a\27[201~\27\rb"))
    assert.equal("  a|\n  b", press(self, "\27[A"))
    assert.equal("  a\n  b|", press(self, "\27[B"))
  end)

  it("walks through history, and comes back to what was typed", function()
    local self = new { history = "first\nsecond\n" }
    assert.equal("second|", press(self, "draft\27[A"))
    assert.equal("first|", press(self, "\27[A\27[A"))
    assert.equal("draft|", press(self, "\27[B\27[B"))
  end)

  it("searches history", function()
    local self = new { history = "alpha one\nbeta\nalpha two\n" }
    assert.equal("alpha two|", press(self, "\18alpha"))
    assert.equal("alpha", self:view().search.text)
    assert.equal("alpha one|", press(self, "\18"))
    press(self, "zzz")
    assert.is_true(self:view().search.is_failing)
    assert.equal("|", press(self, "\7"))
    local _, action, text = press(self, "\18beta\r")
    assert.equal("submit", action)
    assert.equal("beta", text)
  end)

  it("completes as far as all agree, then shows what there is", function()
    local self = new()
    assert.equal("print|(", press(self, "pr(\27[D\t"))
    assert.is_nil(self:view().menu)
    press(self, "\t")
    assert.same({ "print", "printer" }, self:view().menu)
    press(self, "e")
    assert.is_nil(self:view().menu)
    assert.equal("printer|(", press(self, "\t"))
    assert.equal("  |", press(new(), "\t"))
  end)

  it("tells of Ctrl-C, Ctrl-D and Ctrl-L", function()
    local self = new()
    assert.equal("clear", select(2, press(self, "ab\12")))
    local _, action, text = press(self, "\3")
    assert.equal("interrupt", action)
    assert.equal("ab", text)
    assert.equal("a|", press(self, "\2\4"))
    assert.equal("eof", select(2, press(self, "\21\4")))
  end)

  it("takes control characters out of a paste", function()
    assert.equal("ab\nc|", press(new(), "\27[200~a\7b\27[201~\27\rc"))
  end)
end)

describe("repl.screen", function()
  -- The text of a view, laid out by hand.
  local function expected_rows(view, columns)
    local rows, row, used = {}, {}, 0
    local cursor_row, cursor_column
    local function break_row()
      rows[#rows + 1] = table.concat(row):gsub("%s+$", "")
      row, used = {}, 0
    end
    local function put(character)
      if used + width(character) > columns then
        break_row()
      end
      row[#row + 1] = character
      used = used + width(character)
    end
    for character in view.prompt:gmatch "." do
      put(character)
    end
    local function place()
      if used >= columns then
        return #rows + 1, 0
      end
      return #rows, used
    end
    local at = 0
    for character in view.text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
      if at == view.at then
        cursor_row, cursor_column = place()
      end
      if character == "\n" then
        break_row()
        for blank in view.continuation:gmatch "." do
          put(blank)
        end
      else
        put(character)
      end
      at = at + #character
    end
    if not cursor_row then
      cursor_row, cursor_column = place()
    end
    break_row()
    return table.concat(rows, "\n"), cursor_row + 1, cursor_column + 1
  end

  it("shows what the editor has, wherever the cursor is, after any keys", function()
    local random = helper.random()
    local pieces = { "a", "b", " ", "日", "\27[D", "\27[C", "\27[A", "\27[B", "\1", "\5", "\127",
      "\4", "\23", "\11", "\25", "\31", "\20", "\27b", "\27f", "\27\r", "word" }
    for round = 1, helper.rounds(60) do
      local self = new { history = "old\nlines (\nlong long long long\n" }
      local columns = random(12, 30)
      local terminal = vt.new(columns, 100)
      terminal.width = width
      local drawer = screen.new(width, round % 2 == 0)
      drawer:resize(columns, 100)
      local wipe = ""
      for _ = 1, random(40) do
        press(self, pieces[random(#pieces)])
        local view = self:view()
        view.prompt, view.continuation = "1> ", "   "
        local block, next_wipe = drawer:draw(view)
        terminal:feed(wipe .. block)
        wipe = next_wipe
        local rows, row, column = expected_rows(view, columns)
        assert.equal((rows:gsub("\n*$", "")), (terminal:text():gsub("\n*$", "")))
        assert.equal(row, terminal.row)
        assert.equal(column, terminal.column)
      end
      terminal:feed(wipe)
      assert.equal("", (terminal:text():gsub("\n*$", "")))
    end
  end)

  it("shows the rows around the cursor where not all have room", function()
    local drawer = screen.new(width, false)
    drawer:resize(20, 3)
    local terminal = vt.new(20, 3)
    local block = drawer:draw { prompt = "> ", continuation = "  ", text = "a\nb\nc\nd\ne", at = 4 }
    terminal:feed(block)
    assert.equal("  b\n  c\n  d", terminal:text())
    assert.equal(2, terminal.row)
  end)
end)
