-- SPDX-License-Identifier: MIT
local json = require "lagoon.report.json"
local helper = require "helper"

describe("json.read", function()
  it("reads every kind of value", function()
    assert.same({ a = { 1, -2.5, 3e2 }, b = "x", c = true, d = false, e = {}, f = {} },
      (json.read '{"a": [1, -2.5, 3e2], "b":"x","c":true , "d":false,"e":{},"f":[ ],"g":null}'))
  end)

  it("says where the value ends", function()
    local value, after = json.read('{"a":"}"},', 1)
    assert.same({ a = "}" }, value)
    assert.equal(10, after)
  end)

  it("reads escapes", function()
    assert.equal('"\\/\b\f\n\r\t', (json.read [["\"\\\/\b\f\n\r\t"]]))
    assert.equal("\\n", (json.read [["\\n"]]))
    assert.equal("\\\"", (json.read [["\\\""]]))
    assert.equal("\195\164\226\130\172\240\159\140\138A1",
      (json.read [["\u00e4\u20AC\ud83c\udf0a\u00411"]]))
    assert.equal("\239\191\189x", (json.read [["\ud800x"]]))
  end)

  it("gives nil for what is cut off, or is none", function()
    for _, text in ipairs { "", "  ", '{"a":', '{"a":"b', '{"a"', "[1,", '"', '"\\', "{", "[", "}",
      "@", '{"a" 1', "\\", "{1}" } do
      assert.is_nil((json.read(text)), text)
    end
  end)

  it("gives nil or a value for any bytes", function()
    local random = helper.random(1)
    local pieces = { "{", "}", "[", "]", ",", ":", '"', "\\", "u", "1", "e", "true", "null", " ",
      "a", "\0", "\255" }
    for _ = 1, helper.rounds(2000) do
      local text = {}
      for i = 1, random(12) do text[i] = pieces[random(#pieces)] end
      json.read(table.concat(text))
    end
  end)
end)

describe("json.write", function()
  it("writes what json.read reads", function()
    local value = { a = { 1, 2.5, -3, "x\n\"\\" }, b = { c = true, d = {} }, e = "\195\164" }
    assert.same(value, (json.read(json.write(value))))
  end)

  it("writes numbers with three decimals, and none that JSON has not", function()
    assert.equal("[1,0.123,0,0,-2.5,1000]",
      json.write { 1, 0.1234, 0 / 0, math.huge, -2.5, 1000 })
  end)

  it("leaves no way out of a script", function()
    local text = json.write { '</script><!--<script>&amp;\226\128\168\226\128\169' }
    assert.is_nil(text:find "[<>&]")
    assert.is_nil(text:find "\226\128[\168\169]")
    assert.same({ '</script><!--<script>&amp;\226\128\168\226\128\169' }, (json.read(text)))
  end)

  it("makes any bytes UTF-8", function()
    assert.equal("a\239\191\189\239\191\189b\195\164", json.valid "a\255\192b\195\164")
    assert.equal("\239\191\189\239\191\189\239\191\189", json.valid "\237\160\128")
    assert.equal("\240\159\140\138\239\191\189", json.valid "\240\159\140\138\240")
  end)

  it("refuses functions", function()
    assert.matches("no JSON for a function", helper.error_of(json.write, { print }))
  end)
end)
