-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local pretty = require "lagoon.repl.pretty"

local text = pretty.text

describe("repl.pretty", function()
  it("writes plain values as Lua does", function()
    assert.equal("nil", text(nil))
    assert.equal("1.5", text(1.5))
    assert.equal("true", text(true))
    assert.equal("{}", text {})
    assert.equal('{ 1, 2, key = "v", ["not a name"] = 1, ["end"] = 2, [true] = 3 }',
      (text { 1, 2, key = "v", ["not a name"] = 1, ["end"] = 2, [true] = 3 }
        :gsub('%["end"%] = 2, key = "v", %["not a name"%] = 1',
          'key = "v", ["not a name"] = 1, ["end"] = 2')))
  end)

  it("escapes what would move the cursor, and leaves UTF-8", function()
    assert.equal([["a\n\t\"\\\27[31m\0é\255"]], text "a\n\t\"\\\27[31m\0é\255")
    assert.equal([["5 °C «§» 日 \194\155\224\128\128\237\160\128"]],
      text "5 °C «§» 日 \194\155\224\128\128\237\160\128")
  end)

  it("names what is inside itself", function()
    local t = { list = {} }
    t.list[1] = t
    assert.equal("{ list = { <cycle: 2 up> } }", text(t))
  end)

  it("shows the same table twice where it is no cycle", function()
    local shared = { 1 }
    assert.equal("{ { 1 }, { 1 } }", text { shared, shared })
  end)

  it("keeps its limits", function()
    assert.equal("{ { {...} } }", text({ { { { 1 } } } }, { depth = 2 }))
    assert.equal("{ 1, 2, ... 3 more }", text({ 1, 2, 3, 4, 5 }, { entries = 2 }))
    assert.equal('"abc"... (7 bytes more)', text("abcdefghij", { string = 3 }))
    assert.equal("{\n  1, 2, 3,\n  4\n}", text({ 1, 2, 3, 4 }, { width = 11 }))
  end)

  it("tells of metatables, and takes the word of __tostring", function()
    assert.equal("{ 1 } <metatable>", text(setmetatable({ 1 }, {})))
    assert.equal("{ 1 } <metatable Point>", text(setmetatable({ 1 }, { __name = "Point" })))
    local point = setmetatable({}, { __tostring = function() return "a point" end })
    assert.equal("a point", text(point))
    assert.matches("^<table whose __tostring raises: .*no%a*>$",
      text(setmetatable({}, { __tostring = function() error("no", 0) end })))
  end)

  it("shows what has a __tostring that makes no text", function()
    local function shown(tostring_of)
      return text(setmetatable({}, { __tostring = tostring_of }))
    end
    assert.equal("5", shown(function() return 5 end))
    assert.equal("<table whose __tostring returns nil>", shown(function() end))
    assert.equal("<table whose __tostring returns a table>", shown(function(t) return t end))
    assert.equal("<table whose __tostring raises: a table>", shown(function(t) error(t) end))
    local hostile = setmetatable({}, { __tostring = function(t) error(t) end })
    assert.equal("{ [<table whose __tostring raises: a table>] = 1, [{}] = 2 }",
      (text { [hostile] = 1, [{}] = 2 }:gsub("^{ (%[{}%] = 2), (.*) }$", "{ %2, %1 }")))
  end)

  it("escapes what a metatable is called", function()
    assert.equal([[{} <metatable \27[2J\n>]], text(setmetatable({}, { __name = "\27[2J\n" })))
  end)

  it("shows so many entries of all tables together", function()
    local t = { { 1, 2, 3 }, { 4, 5, 6 }, { a = 7 }, 8 }
    assert.equal("{ { 1, 2, 3 }, { ... 3 more }, ... 2 more }", text(t, { total = 5 }))
    assert.equal("{ { 1, 2, 3 }, { 4, 5, 6 }, { ... 1 more }, ... 1 more }",
      text(t, { total = 9 }))
    assert.equal("{ { 1, 2, 3 }, { 4, 5, 6 }, { a = 7 }, 8 }", text(t, { total = 11 }))
  end)

  it("runs no metamethod to look into a table", function()
    local trap = setmetatable({ 1 }, {
      __index = function() error "looked" end,
      __pairs = function() error "walked" end,
      __len = function() error "measured" end,
    })
    assert.equal("{ 1 } <metatable>", text(trap))
  end)

  it("shows channels with what is in them", function()
    local ch = lagoon.chan(3)
    ch:send(1)
    assert.matches("capacity 3, length 1%) <number %d+>$", text(ch))
    local receiver = lagoon.chan()
    local task = lagoon.async(receiver.recv, receiver)
    lagoon.yield()
    assert.matches("length 0%) <number %d+, 1 receiving>$", text(receiver))
    receiver:send(1)
    task:wait()
  end)
end)
