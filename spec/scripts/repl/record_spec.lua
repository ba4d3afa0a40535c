-- SPDX-License-Identifier: MIT
local record = require "lagoon.repl.record"

describe("repl.record.statement", function()
  local statement = record.statement

  it("leaves statements, and shows expressions", function()
    assert.equal("local x = 1", statement("local x = 1", false, true))
    assert.equal("show(x + 1)", statement("x + 1", false, true))
    assert.equal("show(f())", statement("f()", false, true))
    assert.equal("show( 1, 2)", statement("= 1, 2", false, true))
    assert.equal("show(x -- why\n)", statement("x -- why", false, true))
  end)

  it("keeps what ends with a return from ending the script", function()
    assert.equal("show((function()\nx = 1 return x\nend)())",
      statement("x = 1 return x", false, true))
  end)

  it("starts what ran in the background", function()
    assert.equal("go(function()\nx = 1\nend)", statement("x = 1", true, true))
    assert.equal("go(function()\nshow(f()\n)\nend)", statement("f()", true, true))
  end)

  it("makes comments of what has failed and of what is no Lua", function()
    assert.equal("-- f(\n-- )", statement("f(\n)", false, false))
    assert.equal("-- no lua", statement("no lua", false, true))
    assert.equal("-- no\n-- os.exit()\n-- lua", statement("no\ros.exit()\r\nlua", false, false))
  end)

  it("makes what compiles of whatever it is given", function()
    for _, text in ipairs {
      "x --[[", "]]", "return", "end", "1 -- &", "a = 'x\\\ny'", "\0", "--" } do
      for _, is_background in ipairs { false, true } do
        local made = statement(text, is_background, true)
        assert(loadstring(made .. "\nlocal _"), made)
      end
    end
  end)
end)
