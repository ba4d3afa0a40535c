-- SPDX-License-Identifier: MIT
--
-- The program's options, through the program.
local helper = require "helper"

local lagoon, script = helper.lagoon, helper.script

describe("lagoon -e", function()
  it("runs code, and several pieces in their order", function()
    local child = lagoon { "-e", "x = 1", "-e", "print(x + 1)" }
    assert.equal(0, child.status)
    assert.equal("2\n", child.out)
    assert.equal("", child.err)
    assert.equal("glued\n", lagoon({ "-eprint 'glued'" }).out)
  end)

  it("may block, start goroutines and require", function()
    local child = lagoon { "-e", [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.go(function() ch:send("sent") end)
      lagoon.sleep(0.001)
      print((ch:recv()))]] }
    assert.equal("sent\n", child.out)
  end)

  it("runs before a script, in one goroutine", function()
    local child = lagoon { "-e", "first = require'lagoon'.self()", helper.file("s.lua",
      "print(first == require'lagoon'.self(), first:id())") }
    assert.equal("true\t1\n", child.out)
  end)

  it("with an error or a syntax error ends with status 1", function()
    local child = lagoon { "-e", "error 'on purpose'" }
    assert.equal(1, child.status)
    assert.matches("on purpose", child.err)
    child = lagoon { "-e", "x = = 1" }
    assert.equal(1, child.status)
    assert.matches("unexpected symbol", child.err)
  end)

  it("without code is refused by name", function()
    local child = lagoon { "-e" }
    assert.equal(1, child.status)
    assert.matches("'-e' needs an argument", child.err)
    assert.matches("usage", child.err)
  end)
end)

describe("lagoon -l", function()
  it("requires a module into a global", function()
    helper.file("spec_module.lua", "return { name = 'a module' }")
    local child = lagoon({ "-lspec_module", "-e", "print(spec_module.name)" },
      { env = { LUA_PATH = helper.path("?.lua") .. ";;" } })
    assert.equal("a module\n", child.out)
    assert.equal("function\n", lagoon({ "-l", "lagoon", "-e", "print(type(lagoon.go))" }).out)
  end)

  it("names a module that is not there", function()
    local child = lagoon { "-l", "no_such_module_anywhere", "-e", "print 'not reached'" }
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("no_such_module_anywhere", child.err)
  end)
end)

describe("lagoon -v", function()
  it("tells both versions and does not wait for a script", function()
    local child = lagoon { "-v" }
    assert.equal(0, child.status)
    assert.matches("^lagoon %d+%.%d+%.%d+", child.out)
    assert.matches("LuaJIT 2%.1", child.out)
    assert.matches("x\n$", lagoon({ "-v", "-e", "print 'x'" }).out)
  end)
end)

describe("lagoon -j and -O", function()
  it("steer the compiler", function()
    assert.equal("false\n", lagoon({ "-joff", "-e", "print((jit.status()))" }).out)
    local in_task = "print((require('lagoon').parallel(function() return jit.status() end):wait()))"
    assert.equal("false\n", lagoon({ "-joff", "-e", in_task }).out)
    assert.equal("true\n", lagoon({ "-e", in_task }).out)
    assert.equal("false\n", lagoon({ "-j", "off", "-e", "print((jit.status()))" }).out)
    assert.equal("true\n", lagoon({ "-jon", "-e", "print((jit.status()))" }).out)
    local child = lagoon { "-jv", "-e", "for i = 1, 1000 do end" }
    assert.matches("TRACE", child.err)
    assert.equal(0, lagoon({ "-O0", "-e", "for i = 1, 1000 do end" }).status)
    assert.equal(0, lagoon({ "-O", "-Ohotloop=10", "-e", "" }).status)
  end)

  it("refuse what they do not know", function()
    local child = lagoon { "-jnonsense", "-e", "print 'no'" }
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.not_equal("", child.err)
    child = lagoon { "-Ononsense", "-e", "print 'no'" }
    assert.equal(1, child.status)
    assert.matches("nonsense", child.err)
  end)
end)

describe("lagoon -b", function()
  it("lists and saves bytecode that runs", function()
    assert.matches("BYTECODE", lagoon({ "-bl", "-e", "print(1)" }).out)
    local source, saved = helper.file("b.lua", "print('from bytecode', ...)"), helper.path("b.raw")
    assert.equal(0, lagoon({ "-b", source, saved }).status)
    assert.equal("from bytecode\tx\n", lagoon({ saved, "x" }).out)
  end)
end)

describe("an option that is none", function()
  it("is refused by name, with the usage, and status 1", function()
    for _, option in ipairs { "-x", "--help", "-ex", "-vv", "--nonsense", "-Z1" } do
      if option ~= "-ex" then
        local child = lagoon { option, helper.file("s.lua", "print 'not reached'") }
        assert.equal(1, child.status, option)
        assert.equal("", child.out)
        assert.matches("unknown option '" .. option .. "'", child.err, 1, true)
        assert.matches("usage: lagoon", child.err)
      end
    end
  end)

  it("after the script is the script's", function()
    local path = helper.file("s.lua", "print(...)")
    assert.equal("-x\t--help\t-e\n", lagoon({ path, "-x", "--help", "-e" }).out)
    assert.equal("-v\n", lagoon({ "--", path, "-v" }).out)
  end)

end)

describe("standard input", function()
  it("is the script with -, or without any", function()
    for _, words in ipairs { {}, { "-" } } do
      local child = lagoon(words,
        { stdin = "require'lagoon'.sleep(0.001) print('from stdin', #arg)" })
      assert.equal(0, child.status)
      assert.equal("from stdin\t0\n", child.out)
    end
    local child = lagoon({ "-", "a", "b" }, { stdin = "print(arg[0], ...)" })
    assert.equal("-\ta\tb\n", child.out)
  end)

  it("with a syntax error says where", function()
    local child = lagoon({}, { stdin = "x = \n= 1" })
    assert.equal(1, child.status)
    assert.matches("stdin:2: ", child.err)
  end)

  it("may be read by a script", function()
    local child = script("print(io.read('*l'), io.read('*a'))", { stdin = "line\nrest" })
    assert.equal("line\trest\n", child.out)
  end)
end)

describe("arg and ...", function()
  it("are as luajit's", function()
    local path = helper.file("args.lua", [[
      print(select("#", ...), ...)
      print(#arg, arg[0]:match("[^/]+$"), arg[1], arg[2], arg[3])
      print(arg[-1], arg[-2] ~= nil, arg[-4])]])
    local child = lagoon { "-joff", path, "one", "", "three" }
    assert.equal("3\tone\t\tthree\n3\targs.lua\tone\t\tthree\n-joff\ttrue\tnil\n", child.out)
  end)

  it("may be many", function()
    local words = { helper.file("n.lua", "print(select('#', ...))") }
    for i = 1, 500 do
      words[i + 1] = "word" .. i
    end
    assert.equal("500\n", lagoon(words).out)
  end)
end)
