-- SPDX-License-Identifier: MIT
local helper = require "helper"
local keys = require "lagoon.repl.keys"

local function described(events)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event.name or (event.is_paste and "paste:" or "") .. event.text
  end
  return table.concat(list, " ")
end

describe("repl.keys", function()
  it("knows control characters and sequences", function()
    local decoder = keys.new()
    assert.equal("a ctrl-a enter tab backspace ctrl-c up home delete end f1",
      described(decoder:feed "a\1\r\t\127\3\27[A\27[1~\27[3~\27OF\27OP"))
    assert.equal("ctrl-left alt-right shift-up alt-b alt-é",
      described(decoder:feed "\27[1;5D\27[1;3C\27[1;2A\27b\27é"))
  end)

  it("passes over sequences that it does not know", function()
    assert.equal("x y z", described(keys.new():feed "x\27[99zy\27[<0;3;4Mz"))
  end)

  it("takes a paste as it is", function()
    local decoder = keys.new()
    assert.equal("", described(decoder:feed "\27[200~a\27[A\r"))
    assert.equal("paste:a\27[A\rb enter", described(decoder:feed "b\27[201~\r"))
  end)

  it("ends a paste whose end was lost with Ctrl-C", function()
    local decoder = keys.new()
    assert.equal("", described(decoder:feed "\27[200~lost"))
    assert.equal("paste:lost ctrl-c", described(decoder:feed "\3"))
    assert.equal("a", described(decoder:feed "a"))
  end)

  it("waits for the rest of a character, and shows what is none", function()
    local decoder = keys.new()
    assert.equal("", described(decoder:feed "\195"))
    assert.equal("é", described(decoder:feed "\169"))
    assert.equal("\239\191\189 a", described(decoder:feed "\255a"))
    assert.equal("\239\191\189 a", described(decoder:feed "\195a"))
  end)

  it("takes a lone escape for a key when nothing follows", function()
    local decoder = keys.new()
    decoder:feed "\27"
    assert.is_true(decoder:is_undecided())
    assert.equal("escape", described(decoder:flush()))
    assert.is_false(decoder:is_undecided())
    decoder:feed "\27["
    assert.equal("escape [", described(decoder:flush()))
  end)

  it("gives the same keys however the bytes are cut", function()
    local random = helper.random()
    local pieces = { "a", "é", "日", "\27[A", "\27[1;5C", "\27b", "\r", "\3",
      "\27[200~p\27[B\27[201~", "\27[9;9R", "\255" }
    for _ = 1, helper.rounds(200) do
      local list = {}
      for i = 1, random(20) do
        list[i] = pieces[random(#pieces)]
      end
      local bytes = table.concat(list)
      local expected = described(keys.new():feed(bytes))
      local decoder, got, at = keys.new(), {}, 1
      while at <= #bytes do
        local last = at + random(4) - 1
        for _, event in ipairs(decoder:feed(bytes:sub(at, last))) do
          got[#got + 1] = event
        end
        at = last + 1
      end
      assert.equal(expected, described(got))
    end
  end)
end)
