-- SPDX-License-Identifier: MIT
--
-- The environment of the program.
local helper = require "helper"

local lagoon = helper.lagoon

local PRINT_PROCS = { "-e", "print(require'lagoon'.runtime.procs())" }

describe("LAGOON_PROCS", function()
  it("is the number of Ps, by default the number of CPUs", function()
    assert.equal("3\n", lagoon(PRINT_PROCS, { env = { LAGOON_PROCS = "3" } }).out)
    local child = lagoon { "-e", "local r = require'lagoon'.runtime "
      .. "print(r.procs() == r.num_cpu())" }
    assert.equal("true\n", child.out)
  end)

  it("that is none is refused by name and value, before anything runs", function()
    for _, value in ipairs { "0", "-2", "many", "1.5", "257", "2 3", "0x1", "1e2",
      "99999999999999999999999" } do
      local child = lagoon(PRINT_PROCS, { env = { LAGOON_PROCS = value } })
      assert.equal(1, child.status, value)
      assert.equal("", child.out)
      assert.matches("^lagoon: ", child.err)
      assert.matches("LAGOON_PROCS", child.err)
      assert.matches(value, child.err, 1, true)
    end
  end)
end)

describe("LUA_INIT", function()
  it("is run first, code or @file", function()
    local child = lagoon({ "-e", "print(x)" }, { env = { LUA_INIT = "x = 'from LUA_INIT'" } })
    assert.equal("from LUA_INIT\n", child.out)
    child = lagoon({ "-e", "print(x)" },
      { env = { LUA_INIT = "@" .. helper.file("init.lua", "x = 'from a file'") } })
    assert.equal("from a file\n", child.out)
  end)

  it("that is wrong is an error with its name", function()
    local child = lagoon({ "-e", "print 'no'" }, { env = { LUA_INIT = "x = = 1" } })
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("LUA_INIT", child.err)
    child = lagoon({ "-e", "print 'no'" }, { env = { LUA_INIT = "@/no/such/file" } })
    assert.equal(1, child.status)
    assert.matches("/no/such/file", child.err)
  end)

  it("does not count with -E", function()
    local child = lagoon({ "-E", "-e", "print(x)" }, { env = { LUA_INIT = "x = 1" } })
    assert.equal("nil\n", child.out)
  end)
end)

describe("LUA_PATH and LUA_CPATH", function()
  it("are where require looks", function()
    local child = lagoon({ "-e", "print(package.path, package.cpath)" },
      { env = { LUA_PATH = "here/?.lua", LUA_CPATH = "there/?.so" } })
    assert.equal("here/?.lua\tthere/?.so\n", child.out)
  end)
end)
