-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lexer = require "lagoon.repl.lexer"

local function words(text)
  local list = {}
  for i, token in ipairs(lexer.tokens(text)) do
    list[i] = token.kind .. ":" .. token.text .. (token.is_open and "?" or "")
  end
  return table.concat(list, " ")
end

describe("repl.lexer", function()
  it("tells names, keywords, numbers and symbols apart", function()
    assert.equal("keyword:local name:x1 symbol:= number:0x1Fp2 symbol:.. number:1e-3 symbol:...",
      words "local x1 = 0x1Fp2 .. 1e-3 ...")
    assert.equal("number:42ULL symbol:~= number:.5 symbol:::", words "42ULL ~= .5 ::")
  end)

  it("takes strings and comments whole, and marks those that do not end", function()
    assert.equal('string:"a\\"b" string:\'c\\\\\' long string:[=[x]]y]=] comment:-- rest',
      words '"a\\"b" \'c\\\\\' [=[x]]y]=] -- rest')
    assert.equal("string:'abc?", words "'abc")
    assert.equal("long string:[[abc\n?", words "[[abc\n")
    assert.equal("comment:--[[ a ]] name:b comment:--[[ c?", words "--[[ a ]] b --[[ c")
  end)

  it("covers all but blanks, whatever the text", function()
    local random = helper.random()
    local alphabet = { "a", "'", '"', "[", "]", "=", "-", "\\", "\n", " ", "1", ".", "e", "\255",
      "é", "\0" }
    for _ = 1, helper.rounds(300) do
      local pieces = {}
      for i = 1, random(30) do
        pieces[i] = alphabet[random(#alphabet)]
      end
      local text = table.concat(pieces)
      local at = 1
      for _, token in ipairs(lexer.tokens(text)) do
        assert.matches("^%s*$", text:sub(at, token.first - 1))
        assert.is_true(token.first >= at and token.last >= token.first)
        assert.equal(text:sub(token.first, token.last), token.text)
        at = token.last + 1
      end
      assert.matches("^%s*$", text:sub(at))
    end
  end)
end)
