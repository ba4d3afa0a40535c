-- SPDX-License-Identifier: MIT
--
-- What a formatter does not see.
local tree = dofile "spec/arch/tree.lua"

local function files(patterns)
  local names = {}
  for _, pattern in ipairs(patterns) do
    names[#names + 1] = "-name '" .. pattern .. "'"
  end
  return tree.lines_of("find core bindings scripts spec bench examples -type f \\( "
    .. table.concat(names, " -o ") .. " \\) | sort")
end

local function count_lines(text)
  return select(2, text:gsub("\n", ""))
end

describe("a source file", function()
  it("says its licence first", function()
    local paths = files { "*.c", "*.h", "*.S", "*.lua", "*.go", "*.pml", "run" }
    assert.is_true(#paths > 100)
    for _, path in ipairs(paths) do
      local text = tree.read(path)
      local first = text:find("^#!") and text:match("^[^\n]*\n([^\n]*)") or text:match("^[^\n]*")
      assert(first:find("SPDX-License-Identifier: MIT", 1, true), path)
    end
  end)

  -- The aim is 400 and 150; a quarter more is a sign, not yet a fault.
  it("keeps to its length: .c and .lua 500 lines at most, .h 190", function()
    local limits = { c = 500, h = 190, S = 190, lua = 500 }
    local over = {}
    for _, path in ipairs(files { "*.c", "*.h", "*.S", "*.lua" }) do
      local limit = limits[path:match("%.(%a+)$")]
      -- The manual, and specs, whose facts belong together, may be longer.
      if path ~= "core/include/lagoon.h" and not path:find("^spec/") then
        local n = count_lines(tree.read(path))
        if n > limit then
          over[#over + 1] = ("%s has %d lines"):format(path, n)
        end
      end
    end
    assert.same({}, over)
  end)

  it("ends with one newline, and has no tabs or spaces at ends of lines", function()
    for _, path in ipairs(files { "*.c", "*.h", "*.S", "*.lua" }) do
      local text = tree.read(path)
      assert(text:find("[^\n]\n$"), path .. " does not end with one newline")
      assert(not text:find("\r"), path .. " has carriage returns")
      assert(not text:find("[ \t]\n"), path .. " has spaces at the end of a line")
      assert(path:find("%.S$") or not text:find("\t"), path .. " has tabs")
    end
  end)

  it("has no fossils: dead code, notes to oneself", function()
    local words = { "TO" .. "DO", "FIX" .. "ME", "X" .. "XX", "HA" .. "CK" }
    for _, path in ipairs(files { "*.c", "*.h", "*.S", "*.lua" }) do
      local text = tree.read(path)
      assert(not text:find("\n%s*#%s*if 0"), path .. " has #if 0")
      for _, word in ipairs(words) do
        local here = path ~= "spec/arch/style_spec.lua" or not word
        assert(not (here and text:find("%f[%w_]" .. word .. "%f[^%w_]")), path .. ": " .. word)
      end
    end
  end)

  it("is no drawer", function()
    for _, path in ipairs(files { "*.c", "*.h", "*.lua" }) do
      local stem = path:match("([^/]+)%.%a+$")
      for _, drawer in ipairs { "util", "utils", "common", "misc", "helpers", "internal" } do
        assert(stem ~= drawer, path)
      end
    end
  end)
end)

describe("an atomic access in the core", function()
  it("names its order", function()
    local bare = { "load", "store", "exchange", "compare_exchange_weak", "compare_exchange_strong",
      "fetch_add", "fetch_sub", "fetch_or", "fetch_and" }
    for _, path in ipairs(tree.lines_of("find core bindings -name '*.[ch]'")) do
      local text = tree.read(path)
      for _, name in ipairs(bare) do
        assert(not text:find("atomic_" .. name .. "%s*%("), path .. ": atomic_" .. name)
      end
      -- "asm volatile" is another thing.
      assert(not text:gsub("asm%s+volatile", ""):gsub("asm__%s+volatile", "")
        :gsub("//[^\n]*", ""):find("%f[%w_]volatile%f[^%w_]"),
        path .. ": volatile is no tool for threads")
    end
  end)
end)

describe("a wait of a thread that has an end", function()
  it("is on a clock that nobody sets", function()
    -- Those that take moments of the system's time; that itself is for showing it.
    local waits = { "pthread_cond_timedwait", "sem_timedwait", "pthread_mutex_timedlock",
      "pthread_rwlock_timedrdlock", "pthread_rwlock_timedwrlock" }
    for _, path in ipairs(tree.lines_of("find core bindings spec -name '*.[ch]'")) do
      local text = tree.read(path)
      for _, name in ipairs(waits) do
        assert(not text:find(name, 1, true), path .. ": " .. name)
      end
      assert(not text:find("wait%s*%([^;]-CLOCK_REALTIME"), path .. ": CLOCK_REALTIME")
    end
  end)
end)

describe("a spec", function()
  it("never sleeps to wait for something", function()
    for _, path in ipairs(files { "*_spec.lua", "*_spec.c" }) do
      local text = tree.read(path)
      assert(not text:find("%f[%w_]usleep%s*%(") and not text:find("%f[%w_]nanosleep%s*%(")
        and not text:find("os%.execute%s*%(?%s*[\"']sleep"), path)
    end
  end)
end)
