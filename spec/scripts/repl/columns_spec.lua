-- SPDX-License-Identifier: MIT
local columns = require "lagoon.repl.columns"

describe("repl.columns", function()
  local function width(character)
    return character == "日" and 2 or 1
  end

  it("lays rows out, with nothing behind the last cell", function()
    assert.same({ "ID  NAME   X", "7          long", "12  seven  " },
      columns.lines { { "ID", "NAME", "X" }, { "7", "", "long" }, { "12", "seven", "" } })
    assert.same({}, columns.lines {})
  end)

  it("clips to columns, and cuts no character in two", function()
    assert.equal("abc", columns.clip("abc", 3, width))
    assert.equal("ab", columns.clip("abc", 2, width))
    assert.equal("é", columns.clip("éé", 1, width))
    assert.equal("日", columns.clip("日日", 3, width))
    assert.equal("", columns.clip("日", 1, width))
    assert.equal("", columns.clip("", 5, width))
  end)
end)
