-- SPDX-License-Identifier: MIT
--
-- What `lagoon test` writes for other programs, read by those where they are installed.
local helper = require "helper"
local trees = require "trees"

local HOSTILE = [==[
describe("<&>\"' \0\1\27[31m \255\254 é \239\191\191\237\160\128 ]]> # SKIP \\ names\nlines",
function()
  it("not ok 7 - # SKIP x", function() error("<b> ]]> \0 \255 \27[2J & \n...\n---\nnot ok 9\n") end)
  it("", function() end)
  it("passes # SKIP me", function() end)
  it(("x"):rep(5000), function() assert.equal("a\nb", "a\nB") end)
  it("is not there yet", function() pending("later <&> # \n") end)
  describe("x", function()
    setup(function() error "in <setup>" end)
    it("never", function() end)
  end)
end)
]==]

-- A strict reader of the part of XML that is written: elements, attributes, texts, entities.
local function parse_xml(text)
  local function check_text(s)
    assert(not s:find("[%z\1-\8\11\12\14-\31<]"), "a character that XML cannot hold")
    local rest = s:gsub("&%a+;", { ["&lt;"] = "", ["&gt;"] = "", ["&amp;"] = "", ["&quot;"] = "" })
      :gsub("&#%d+;", "")
    assert(not rest:find("&"), "an entity that XML does not know")
    assert(not rest:find("]]>", 1, true), "the end of a section that has none")
  end
  local at = assert(select(2, text:find('^<%?xml version="1.0" encoding="UTF%-8"%?>\n'))) + 1
  local stack, root = { { children = {} } }, nil
  while true do
    local piece, closing, name, attributes, ending, after =
      text:match("^([^<]*)<(/?)(%w+)([^<>]-)(/?)>()", at)
    if not piece then
      break
    end
    check_text(piece)
    if closing == "/" then
      assert.equal(stack[#stack].name, name)
      table.remove(stack)
    else
      local element = { name = name, children = {}, attr = {} }
      local left = attributes:gsub(' ([%w]+)="([^"]*)"', function(key, value)
        check_text(value)
        assert.is_nil(element.attr[key], "an attribute twice")
        element.attr[key] = value
        return ""
      end)
      assert.equal("", left)
      table.insert(stack[#stack].children, element)
      root = root or element
      if ending == "" then
        stack[#stack + 1] = element
      end
    end
    at = after
  end
  assert.equal(1, #stack)
  assert.matches("^%s*$", text:sub(at))
  return root
end

describe("a file of results", function()
  it("that cannot be written is told of, and is a failure", function()
    for _, option in ipairs { "--junit", "--coverage" } do
      local child = trees.test("it('works', function() end)", { option .. "=/dev/full" })
      assert.equal("lagoon test: cannot write /dev/full: No space left on device\n", child.err)
      assert.matches("1 passed", child.out)
      assert.equal(1, child.status)
    end
  end)
end)

describe("--junit", function()
  it("is XML with right sums, whatever the names", function()
    local child, root = trees.test({ ["spec/a_spec.lua"] = HOSTILE, ["spec/b_spec.lua"] = "= 1" },
      { "--junit=out.xml", "--seed=9" })
    assert.equal(1, child.status)
    local top = parse_xml(trees.read(root .. "/out.xml"))
    assert.equal("testsuites", top.name)
    assert.same({ "7", "1", "3", "1" },
      { top.attr.tests, top.attr.failures, top.attr.errors, top.attr.skipped })
    local n = { testcase = 0, failure = 0, error = 0, skipped = 0 }
    for _, suite in ipairs(top.children) do
      assert.equal("testsuite", suite.name)
      for _, case in ipairs(suite.children) do
        for _, element in ipairs { case, unpack(case.children) } do
          n[element.name] = (n[element.name] or 0) + 1
        end
      end
    end
    assert.same({ 7, 1, 3, 1 }, { n.testcase, n.failure, n.error, n.skipped })
    if trees.has "xmllint" then
      local lint = helper.child { "xmllint", "--noout", root .. "/out.xml" }
      assert.equal("", lint.err)
      assert.equal(0, lint.status)
    end
  end)

  it("is the output, too, where that is asked for", function()
    local child = trees.test("it('works', function() end)", { "--output=junit" })
    assert.equal("1", parse_xml(child.out).attr.tests)
    assert.equal(0, child.status)
  end)
end)

describe("--output=tap", function()
  it("is TAP 13: a line for each test, then the plan", function()
    local child, root = trees.test(HOSTILE, { "--output=tap" })
    assert.equal(1, child.status)
    local lines, nfailed, n = {}, 0, 0
    for line in child.out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
      local is_bad, number = line:match("^(n?o?t? ?)ok (%d+) ")
      if number then
        n = n + 1
        assert.equal(n, tonumber(number))
        nfailed = nfailed + (is_bad == "not " and 1 or 0)
      end
    end
    assert.equal("TAP version 13", lines[1])
    assert.equal("1..6", lines[#lines])
    assert.equal(6, n)
    assert.equal(3, nfailed)
    if trees.has "prove" then
      helper.file("out.tap", child.out)
      local proved = helper.child { "prove", "-v", "-e", "cat", helper.path("out.tap") }
      assert.matches("Tests: 6 Failed: 3", proved.out)
      assert.is_nil(proved.out:find("Parse errors"))
    end
    assert.is_truthy(root)
  end)
end)

describe("--output", function()
  it("takes busted's output handlers, and tells them of leaks", function()
    local tree = [[it("leaks", function()
      local lagoon = require "lagoon"
      lagoon.go(lagoon.sleep, 1000)
    end)]]
    local child = trees.test(tree, { "--output=plainTerminal", "--leaks=0.01" })
    assert.matches("1 success / 0 failures / 1 error", child.out)
    assert.matches("the test has left goroutine", child.out)
    assert.equal(1, child.status)
  end)
end)
