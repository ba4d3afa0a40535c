-- SPDX-License-Identifier: MIT
-- The structure as docs/architecture.md tells it, held against every include and require.

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

-- The folders of the tree block in their order, each with the stems it lists.
local function read_tree()
  local block = read("docs/architecture.md"):match("```tree\n(.-)```")
  local folders, rank = {}, {}
  for folder, stems in block:gmatch("([%w/_]+): ([^\n]*)\n") do
    local listed = {}
    for stem in stems:gmatch("%S+") do
      listed[stem] = true
    end
    folders[#folders + 1] = { path = folder, stems = listed }
    rank[folder] = #folders
  end
  return folders, rank
end

local folders, rank = read_tree()

local function sources_in(folder)
  return lines_of("find " .. folder .. " -maxdepth 1 -type f -name '*.[chSl]*' | sort")
end

-- Calls visit(path, line_number, line) for every line of the sources of a folder.
local function each_line(folder, visit)
  for _, path in ipairs(sources_in(folder)) do
    local number = 0
    for line in io.lines(path) do
      number = number + 1
      visit(path, number, line)
    end
  end
end

describe("the tree in docs/architecture.md", function()
  it("lists the layers in their order", function()
    assert.are.equal(1, rank["core/include"])
    for i, layer in ipairs({ "base", "os", "mem", "sched", "sync", "rt" }) do
      assert.are.equal(i + 1, rank["core/" .. layer])
    end
    assert.is_true(rank["bindings"] < rank["scripts/lagoon"])
  end)

  for _, folder in ipairs(folders) do
    it("has every file of " .. folder.path .. ", and no other", function()
      local found = {}
      for _, path in ipairs(sources_in(folder.path)) do
        local stem = path:match("([^/]+)%.%a+$")
        found[stem] = true
        assert(folder.stems[stem], path .. " is not listed")
      end
      for stem in pairs(folder.stems) do
        assert(found[stem], folder.path .. "/" .. stem .. " does not exist")
      end
    end)
  end
end)

describe("an include in the core", function()
  for _, layer in ipairs({ "base", "os", "mem", "sched", "sync", "rt" }) do
    it("of " .. layer .. " points to its own layer or a lower one", function()
      local own = rank["core/" .. layer]
      each_line("core/" .. layer, function(path, number, line)
        local target = line:match('^#include "([%w_]+)/')
        if target then
          local place = path .. ":" .. number .. ": "
          assert(rank["core/" .. target], place .. "no layer " .. target)
          assert(rank["core/" .. target] <= own, place .. "points upwards")
        end
      end)
    end)
  end

  it("never names what stands above the core", function()
    for _, layer in ipairs({ "include", "base", "os", "mem", "sched", "sync", "rt" }) do
      each_line("core/" .. layer, function(path, number, line)
        assert(not line:lower():find("%f[%w]lua"), path .. ":" .. number .. ": " .. line)
      end)
    end
  end)
end)

describe("an include in the bindings", function()
  local allowed = {
    ["lagoon.h"] = true, ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true,
    ["luajit.h"] = true,
  }

  it("names lagoon.h, LuaJIT, the C library or a neighbour", function()
    each_line("bindings", function(path, number, line)
      local quoted = line:match('^#include "([^"]+)"')
      local place = path .. ":" .. number .. ": "
      if quoted and not allowed[quoted] then
        assert(not quoted:find("/"), place .. quoted .. " is of another folder")
        local stem = quoted:match("^([%w_]+)%.h$")
        assert(stem and folders[rank["bindings"]].stems[stem], place .. quoted)
      end
    end)
  end)
end)

describe("a require in scripts/lagoon", function()
  it("names a module of lagoon or of LuaJIT", function()
    each_line("scripts/lagoon", function(path, number, line)
      local name = not line:match("^%s*%-%-") and line:match('require%s*%(?%s*"([%w_.]+)"')
      if name and not name:find("^jit") and name ~= "ffi" and name ~= "bit" then
        local place = path .. ":" .. number .. ": "
        local stem = name == "lagoon" and "init" or name:match("^lagoon%.([%w_]+)$")
        assert(stem, place .. name)
        local listed = folders[rank["scripts/lagoon"]].stems[stem]
        assert(listed or stem == "core", place .. name .. " does not exist")
      end
    end)
  end)
end)

describe("a function in lagoon.h", function()
  it("is documented with every label, in order", function()
    local labels = { "Returns:", "Errors:", "Misuse:", "Blocks:", "Call from:", "Go:" }
    local comment, count = {}, 0
    for line in io.lines("core/include/lagoon.h") do
      if line:match("^//") then
        comment[#comment + 1] = line
      elseif line:match("^LG_API ") then
        count = count + 1
        local text, at = table.concat(comment, "\n"), 1
        for _, label in ipairs(labels) do
          local found = text:find(label, at, true)
          assert(found, line .. " lacks " .. label)
          at = found
        end
        comment = {}
      else
        comment = {}
      end
    end
    assert.is_true(count > 60)
  end)
end)

describe("a source file", function()
  it("says its licence first, and keeps to its length", function()
    for _, folder in ipairs(folders) do
      local limit = { c = 400, h = 150, lua = 400, S = 150 }
      for _, path in ipairs(sources_in(folder.path)) do
        local first, count = nil, 0
        for line in io.lines(path) do
          first = first or line
          count = count + 1
        end
        assert(first:find("SPDX-License-Identifier: MIT", 1, true), path)
        local most = limit[path:match("%.(%a+)$")]
        if not path:find("lagoon.h", 1, true) then
          -- A little over is a sign, not a fault; 1.5 times is.
          assert(count <= most * 1.5, path .. " has " .. count .. " lines")
        end
      end
    end
  end)
end)
