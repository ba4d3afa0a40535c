-- SPDX-License-Identifier: MIT
local chunk = require "lagoon.repl.chunk"

describe("repl.chunk", function()
  local globals, locals

  before_each(function()
    globals = setmetatable({}, { __index = _G })
    locals = chunk.environment(globals)
  end)

  local function run(text)
    return assert(chunk.compile(text, "=input", locals))()
  end

  it("returns the values of an expression", function()
    assert.equal(3, select("#", run "1 + 2, nil, 'x'"))
    assert.same({ 3, nil, "x" }, { run "1 + 2, nil, 'x'" })
    assert.equal(7, run "= 7")
    assert.equal(8, run "8 -- eight")
  end)

  it("keeps the outermost locals, and functions that use them", function()
    run "local a, b = 1"
    run "local function bump() a = a + 1 return a end"
    assert.equal(2, run "bump()")
    assert.equal(2, run "a")
    assert.is_nil(run "b")
    assert.is_nil(rawget(globals, "a"))
  end)

  it("keeps a local that is nil apart from the global of its name", function()
    for _, text in ipairs { "local x", "local x = nil", "local y, x = 1",
      "local function x() end x = nil", "local x = 1 x = nil" } do
      globals = setmetatable({ x = "global" }, { __index = _G })
      locals = chunk.environment(globals)
      run(text)
      assert.is_nil(run "x")
      run "function get() return x end"
      run "x = 5"
      assert.equal(5, run "get()")
      assert.equal("global", rawget(globals, "x"))
    end
    run "local print = nil"
    assert.is_nil(run "print")
  end)

  it("makes a local where it stands, and not before", function()
    globals.x = "global"
    assert.equal("global", run "local x = x return x")
    run "y = 1 local y = y + 1"
    assert.equal(2, run "y")
    assert.equal(1, rawget(globals, "y"))
    assert(chunk.compile("local z", "=input", locals)) -- never run
    run "z = 3"
    assert.equal(3, rawget(globals, "z"))
  end)

  it("leaves locals of blocks, functions and tables where they are", function()
    run [[
      do local inner = 1 end
      for i = 1, 1 do local inner = 2 end
      if true then local inner = 3 elseif false then local inner = 4 else local inner = 5 end
      repeat local inner = 6 until inner
      outer = { f = function() local inner = 7 return inner end }
      local kept = outer.f()]]
    assert.equal(7, run "kept")
    assert.is_nil(run "inner")
    assert.is_table(rawget(globals, "outer"))
  end)

  it("sets globals where everybody sees them", function()
    run "shared = 5"
    assert.equal(5, rawget(globals, "shared"))
    run "local shared = 6"
    assert.equal(5, rawget(globals, "shared"))
    assert.equal(6, run "shared")
  end)

  it("keeps what is set in the place of Lua's own to the inputs", function()
    run "type, table = 'mine', { 1 }"
    run "function ipairs() return 'walked' end"
    assert.equal("mine", run "type")
    assert.equal(1, run "table[1]")
    assert.equal("walked", run "ipairs {}")
    for _, name in ipairs { "type", "table", "ipairs" } do
      assert.is_nil(rawget(globals, name), name)
    end
    run "table = nil"
    assert.equal(table, run "table")
  end)

  it("reads the old value where a local is made anew", function()
    run "local n = 1"
    run "local n = n + 1"
    assert.equal(2, run "n")
  end)

  it("says what is wrong, and whether more lines may mend it", function()
    local function outcome(text)
      local f, message, is_unfinished = chunk.compile(text, "=input", locals)
      assert.is_nil(f)
      return is_unfinished, message
    end
    for _, text in ipairs { "if x then", "f(", "{ 1,", "1 +", "x = ", "[[long", "function f()",
      "local x =", "local x,", "--[[ never ends", "'to be continued\\" } do
      assert.is_true(outcome(text), text)
    end
    for _, text in ipairs { "'short", "'short\\\\", "1)(2", "x y", "end", "local 1",
      "goto nowhere", "f 1 2" } do
      local is_unfinished, message = outcome(text)
      assert.is_false(is_unfinished, text)
      assert.matches("^input:1: ", message)
    end
  end)

  it("names the input's lines in errors", function()
    local ok, err = pcall(run, "local x = 1\nlocal y\nerror 'here'")
    assert.is_false(ok)
    assert.equal("input:3: here", err)
    for text, line in pairs { ["missing.field"] = 1, ["1,\nmissing.field"] = 2 } do
      ok, err = pcall(run, text)
      assert.is_false(ok)
      assert.matches(("^input:%d: attempt to index global 'missing'"):format(line), err)
    end
  end)

  it("hands inputs no arguments", function()
    assert.equal(0, select("#", run "..."))
    assert.equal(0, run "select('#', ...)")
  end)
end)
