-- SPDX-License-Identifier: MIT
--
-- The C library in programs that others compile: hosts in C++, a job system in C.
local helper = require "helper"

local BUILD = helper.program:match("^(.*)/[^/]*$")
local WARNINGS = { "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wold-style-cast",
  "-Werror" }
local SANITIZERS = { asan = "-fsanitize=address,undefined", tsan = "-fsanitize=thread",
  coverage = "--coverage" }

local function has(compiler)
  return os.execute("command -v " .. compiler .. " >/dev/null") == 0
end

local function run(...)
  local words = {}
  for _, part in ipairs { ... } do
    for _, word in ipairs(type(part) == "table" and part or { part }) do
      words[#words + 1] = word
    end
  end
  local child = helper.child(words, { limit = 120 })
  assert.equal("", child.err)
  assert.equal(0, child.status)
end

local function compile(compiler, warnings, source, target)
  local sanitizer = SANITIZERS[BUILD:match("build/(%l+)")]
  run(compiler, sanitizer or {}, warnings, "-Icore/include", source, "-o", target,
    BUILD .. "/libcore.a", "-luv", "-lm", "-ldl", "-lpthread")
end

describe("lagoon.h", function()
  for _, compiler in ipairs { "g++", "clang++" } do
    it("is a header of C++11 and C++17 to " .. compiler, function()
      if has(compiler) then
        local source = helper.file("header.cpp", "#include <lagoon.h>\n")
        for _, standard in ipairs { "c++11", "c++17" } do
          run(compiler, "-std=" .. standard, WARNINGS, "-Icore/include", "-fsyntax-only", source)
        end
      end
    end)
  end
end)

describe("a host in C++", function()
  local program = helper.path("exceptions")
  compile({ "g++", "-std=c++17", "-O1" }, WARNINGS, "spec/cli/hosts/exceptions.cpp", program)

  it("throws and catches in goroutines that move between threads", function()
    local child = helper.child({ program }, { limit = 60 })
    assert.equal("", child.err)
    assert.equal("fine\n", child.out)
    assert.equal(0, child.status)
  end)

  it("ends when an exception leaves a goroutine", function()
    local child = helper.child({ program, "uncaught" }, { limit = 60 })
    assert.matches("left a goroutine", child.err)
    assert.equal(128 + 6, child.status)
  end)
end)

describe("the example embed/jobs", function()
  it("plays its frames", function()
    local program = helper.path("jobs")
    compile({ "cc", "-O1" }, { "-Wall", "-Wextra", "-Werror" }, "examples/embed/jobs/main.c",
      program)
    local child = helper.child({ program, 20 }, { limit = 60 })
    assert.equal("", child.err)
    assert.equal("20 frames, 80 hits\n", child.out)
    assert.equal(0, child.status)
  end)
end)
