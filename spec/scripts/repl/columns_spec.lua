-- SPDX-License-Identifier: MIT
local columns = require "lagoon.repl.columns"

describe("repl.columns", function()
  local function width(character)
    return character == "日" and 2 or 1
  end

  it("lays rows out, with nothing behind the last cell", function()
    assert.same({ "ID  NAME   X", "7          long", "12  seven  " },
      columns.lines({ { "ID", "NAME", "X" }, { "7", "", "long" }, { "12", "seven", "" } },
        string.len))
    assert.same({}, columns.lines({}, string.len))
  end)

  it("counts columns, and lets nothing through that could move the cursor", function()
    local function of_text(text)
      local n = 0
      for character in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
        n = n + width(character)
      end
      return n
    end
    assert.same({ "日    1", "abcd  2", "?[2J  3", "a?b   4" }, columns.lines({ { "日", "1" },
      { "abcd", "2" }, { "\27[2J", "3" }, { "a\nb", "4" } }, of_text))
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
