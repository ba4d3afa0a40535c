-- SPDX-License-Identifier: MIT
local complete = require "lagoon.repl.complete"

describe("repl.complete", function()
  local completer = {
    scope = setmetatable({ point = { x = 1, xyz = 2, f = function() end, ["not a name"] = 1 } },
      { __index = { other = setmetatable({}, { __index = { method = print, field = 1 } }) } }),
    commands = { ":help", ":heap", ":quit" },
    list = function(folder)
      return folder == "." and { "a.lua", "abc/" } or folder == "abc/" and { "d.lua" } or nil
    end,
  }

  local function words(text)
    local from, list = complete.at(completer, text)
    return text:sub(from + 1) .. ">" .. table.concat(list, " ")
  end

  it("finds names of the session, of globals, and keywords", function()
    assert.equal("po>point", words "print(po")
    assert.equal("ot>other", words "ot")
    assert.equal("whi>while", words "whi")
    assert.equal(">", words "1 + ")
  end)

  it("finds fields, and through metatables", function()
    assert.equal("x>x xyz", words "point.x")
    assert.equal(">f x xyz", words "f(point.")
    assert.equal(">field method", words "other.")
    assert.equal("y>", words "point.y")
    assert.equal(">", words "nothing.")
  end)

  it("finds only functions behind a colon", function()
    assert.equal(">f", words "point:")
    assert.equal("m>method", words "other:m")
  end)

  it("takes what follows :doc and :time for Lua", function()
    assert.equal("x>x xyz", words ":doc point.x")
    assert.equal("po>point", words " :time po")
    assert.equal("a>a.lua abc/", words ":load a")
  end)

  it("finds modules of the script's for :reload", function()
    package.loaded["spec.vt"] = {}
    assert.equal("spec.v>spec.vt", words ":reload spec.v")
    package.loaded["spec.vt"] = nil
    assert.equal("lagoon.ne>", words ":reload lagoon.ne")
  end)

  it("finds commands, modules and files", function()
    assert.equal(":he>:heap :help", words ":he")
    assert.equal("lagoon.repl.lex>lagoon.repl.lexer", words "require 'lagoon.repl.lex")
    assert.equal("a>a.lua abc/", words "io.open('a")
    assert.equal("abc/>abc/d.lua", words ":load abc/")
    assert.equal("no/>", words "dofile('no/")
  end)

  it("passes over modules whose names are no strings", function()
    package.loaded[1], package.preload[true] = "one", function() end
    local found = { words "require 'lagoon.repl.lex", words ":reload lagoon.ne" }
    package.loaded[1], package.preload[true] = nil, nil
    assert.same({ "lagoon.repl.lex>lagoon.repl.lexer", "lagoon.ne>" }, found)
  end)

  it("looks at the end of a long text only", function()
    local began, long = os.clock(), ("a"):rep(20000)
    assert.same({}, (select(2, complete.at(completer, long))))
    assert.equal("po>point", (words(long .. " po"):match "po>.*"))
    assert.equal("abc/>abc/d.lua", (words("f('" .. long .. "', 'abc/"):match "abc/>.*"))
    assert.is_true(os.clock() - began < 1)
  end)

  it("calls nothing", function()
    completer.scope.trap = setmetatable({}, { __index = function() error "called" end })
    assert.equal("x>", words "trap.x")
    assert.equal(">", words "trap.x.")
  end)
end)
