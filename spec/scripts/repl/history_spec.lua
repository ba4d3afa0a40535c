-- SPDX-License-Identifier: MIT
local history = require "lagoon.repl.history"

describe("repl.history", function()
  it("comes back from its file, lines and backslashes as they were", function()
    local lines = {}
    local past = history.new("", function(line)
      lines[#lines + 1] = line
      return true
    end)
    local entries = { "one", "two\nlines", "a \\ and a \\n", "'\\\\n'" }
    for _, entry in ipairs(entries) do
      assert.is_nil(past:add(entry))
    end
    local again = history.new(table.concat(lines))
    assert.equal(#entries, again:count())
    for i, entry in ipairs(entries) do
      assert.equal(entry, again:get(i))
    end
  end)

  it("leaves out repetitions, blanks, and what begins with one", function()
    local past = history.new "old\n"
    past:add "old"
    past:add ""
    past:add "  secret"
    past:add "new"
    assert.equal(2, past:count())
    assert.equal("new", past:get(2))
  end)

  it("keeps the last two thousand", function()
    local lines = {}
    for i = 1, 2500 do
      lines[i] = i .. "\n"
    end
    local past = history.new(table.concat(lines))
    assert.equal(2000, past:count())
    assert.equal("501", past:get(1))
  end)

  it("tells once that its file cannot be written", function()
    local past = history.new("", function() return nil, "no room" end)
    assert.equal("no room", past:add "a")
    assert.is_nil(past:add "b")
    assert.equal(2, past:count())
  end)
end)
