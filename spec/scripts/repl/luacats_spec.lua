-- SPDX-License-Identifier: MIT
local annotation = require "lagoon.repl.annotation"
local luacats = require "lagoon.repl.luacats"

local TEXT = [[
-- SPDX-License-Identifier: MIT
--
-- lagoon.thing: what a spec reads.
-- Two lines.
local core = require "lagoon.core"

---A thing.
---@class lagoon.Thing: lagoon.Base
---@field peek fun(self: lagoon.Thing, n?: integer): string  looks
---into it
---@field count integer
local Thing = {
    peek = core.thing_peek,

    ---Makes one.
    ---@type fun(): lagoon.Thing
    new = core.thing,
}

---Does it, or not. Go: none.
---@async
---@param f fun(a: integer, b: any): boolean  called
---again and again
---@param ... any
---@return boolean? ok  nil: not
---@return string? err
function Thing:act(f, ...)
end

---Ends it.
---@type async fun(self: lagoon.Thing, how: "now"|"later")
Thing.close = core.thing_close

function Thing.bare(a, b)
end
]]

describe("repl.annotation", function()
  local read = annotation.read("lagoon.thing", TEXT)

  local function entry(name)
    for _, found in ipairs(read.entries) do
      if found.name == name then
        return found
      end
    end
  end

  it("reads the head", function()
    assert.same({ "lagoon.thing: what a spec reads.", "Two lines." }, read.head)
  end)

  it("reads classes and their fields, over several lines", function()
    local class = read.classes[1]
    assert.equal("lagoon.Thing", class.name)
    assert.equal("lagoon.Base", class.parent)
    assert.equal("Thing", class.owner)
    assert.same({ "A thing." }, class.comment)
    assert.equal("fun(self: lagoon.Thing, n?: integer): string  looks into it", class.fields.peek)
    assert.equal("integer", class.fields.count)
  end)

  it("reads declarations, with their lines", function()
    assert.equal("core.thing_peek", entry("peek").value)
    assert.equal("Thing", entry("peek").owner)
    assert.equal(2, #entry("new").comment)
    assert.equal("core.thing", entry("new").value)
    assert.equal(27, entry("act").line)
    assert.is_true(entry("act").is_method)
    assert.equal("f, ...", entry("act").parameters)
    assert.equal("core.thing_close", entry("close").value)
    assert.same({}, entry("bare").comment)
  end)

  it("takes any text", function()
    assert.same({}, annotation.read("x", "").entries)
    assert.same({}, annotation.read("x", "---@class\n---@field\n---").classes)
    annotation.read("x", "\0\255 = {\n}}}\nfunction ..()\nlocal function")
  end)

  describe("made readable", function()
    it("tells what a function takes and returns", function()
      local act = luacats.describe(entry "act")
      assert.equal("Does it, or not. Go: none.", act.text)
      assert.is_true(act.is_async)
      assert.equal("(f, ...)", act.signature)
      assert.same({ { "f", "fun(a: integer, b: any): boolean", "called again and again" },
        { "...", "any", "" } }, act.parameters)
      assert.same({ { "ok", "boolean?", "nil: not" }, { "err", "string?", "" } }, act.returns)
    end)

    it("reads the type of a function", function()
      local close = luacats.describe(entry "close")
      assert.is_true(close.is_async)
      assert.is_true(close.is_method)
      assert.same({ { "how", '"now"|"later"', "" } }, close.parameters)
      assert.equal("(): lagoon.Thing", luacats.describe(entry "new").signature)
      local peek = luacats.describe { comment = {}, field = read.classes[1].fields.peek }
      assert.equal("(n?): string", peek.signature)
      assert.equal("looks into it", peek.text)
    end)
  end)
end)

describe("repl.luacats", function()
  it("wraps texts", function()
    assert.equal("one two\nthree", luacats.wrap("one two three", 9))
    assert.equal("one\n\n  as it is\ntwo", luacats.wrap("one\n\n  as it is\ntwo", 20))
    assert.equal("- one\n  two", luacats.wrap("one two", 6, 2, "- "))
    assert.equal("", luacats.wrap("", 10))
    assert.equal("waytoolongforthis", luacats.wrap("waytoolongforthis", 4))
  end)

  it("finds the first sentence", function()
    assert.equal("This is it.", luacats.first_sentence "This is it. More\nis not.")
    assert.equal("As e.g. that, all of it", luacats.first_sentence "As e.g. that,\nall of it")
  end)
end)
