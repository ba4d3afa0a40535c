-- SPDX-License-Identifier: MIT
--
-- The layers as docs/architecture.md tells them, held against every file, include and require.
local tree = dofile "spec/arch/tree.lua"

local folders, rank = tree.told()

local CORE = { "base", "os", "mem", "sched", "gc", "sync", "io", "rt" }

describe("the tree in docs/architecture.md", function()
  it("lists the layers in their order", function()
    local last = rank["core/include"]
    assert.equal(1, last)
    for _, layer in ipairs(CORE) do
      local own = rank["core/" .. layer]
      if own then
        assert.is_true(own > last, layer)
        last = own
      end
    end
    assert.is_true(rank["bindings"] > last)
    assert.is_true(rank["scripts/lagoon"] > rank["bindings"])
  end)

  it("has every folder of sources, and no other", function()
    local found = tree.lines_of("find core bindings scripts -type f -name '*.*' "
      .. "| sed 's,/[^/]*$,,' | sort -u")
    for _, path in ipairs(found) do
      assert(rank[path], path .. " is not in the tree")
    end
    assert.equal(#found, #folders)
  end)

  for _, folder in ipairs(folders) do
    it("has every file of " .. folder.path .. ", and no other", function()
      local found = {}
      for _, path in ipairs(tree.sources(folder.path)) do
        local line = tree.line_of(folder, path)
        assert(line, path .. " is not in the tree")
        found[line] = (found[line] or 0) + 1
      end
      for name in pairs(folder.names) do
        assert(found[name], folder.path .. "/" .. name .. " does not exist")
        assert(name:find(".", 1, true) or found[name] > 1,
          folder.path .. "/" .. name .. " is one file: name it whole")
      end
    end)
  end
end)

describe("an include in the core", function()
  for _, layer in ipairs(CORE) do
    local own = rank["core/" .. layer]
    if own then
      it("of " .. layer .. " points to its own layer or a lower one", function()
        tree.each_line("core/" .. layer, function(place, line)
          local quoted = line:match('^%s*#%s*include%s+"([^"]+)"')
          if quoted and quoted ~= "lagoon.h" then
            local target = quoted:match("^([%w_]+)/[%w_]+%.h$")
            assert(target, place .. quoted .. " is not spelled from core/")
            assert(rank["core/" .. target], place .. "there is no layer " .. target)
            assert(rank["core/" .. target] <= own, place .. "points upwards")
          end
        end)
      end)
    end
  end

  it("of lagoon.h is of the C standard only", function()
    tree.each_line("core/include", function(place, line)
      local name = line:match("^%s*#%s*include%s+(.*)$")
      local is_standard = name == "<stdbool.h>" or name == "<stddef.h>" or name == "<stdint.h>"
      assert(not name or is_standard, place .. line)
    end)
  end)
end)

describe("the core", function()
  it("does not know the language that stands on it", function()
    for _, folder in ipairs(folders) do
      if folder.path:find("^core/") then
        tree.each_line(folder.path, function(place, line)
          assert(not line:lower():find("%f[%w]lua"), place .. line)
        end)
      end
    end
  end)

  it("asks for the platform in os only", function()
    for _, folder in ipairs(folders) do
      if folder.path:find("^core/") and folder.path ~= "core/os" then
        tree.each_line(folder.path, function(place, line)
          local condition = line:match("^%s*#%s*e?l?if[^%w].*") or line:match("^%s*#%s*ifn?def.*")
          assert(not condition or not (condition:find("__linux__") or condition:find("x86_64")
            or condition:find("__aarch64__") or condition:find("_WIN32")
            or condition:find("__APPLE__")), place .. line)
        end)
      end
    end
  end)
end)

describe("an include in the bindings", function()
  local allowed = {
    ["lagoon.h"] = true, ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true,
    ["luajit.h"] = true,
  }
  local bindings = folders[rank["bindings"]]

  it("names lagoon.h, LuaJIT, the C library or a neighbour", function()
    tree.each_line("bindings", function(place, line)
      local quoted = line:match('^%s*#%s*include%s+"([^"]+)"')
      assert(not quoted or allowed[quoted] or tree.line_of(bindings, quoted) == quoted
        or tree.line_of(bindings, quoted) and not quoted:find("/")
        or quoted == "luajit/door.h", place .. line)
      assert(not line:find("lg__", 1, true), place .. "uses what is the core's own: " .. line)
    end)
  end)

  it("spells what is of others with angle brackets", function()
    tree.each_line("bindings", function(place, line)
      local quoted = line:match('^%s*#%s*include%s+"([^"]+)"')
      assert(not (quoted and allowed[quoted]), place .. line)
    end)
  end)
end)

describe("a require in scripts/lagoon", function()
  -- What each module requires, to find circles; modules by their paths in scripts/lagoon.
  local uses, exists = {}, {}

  for _, folder in ipairs(folders) do
    local below = (folder.path .. "/"):match("^scripts/lagoon/(.*)$")
    if below then
      for name in pairs(folder.names) do
        exists[below .. name:gsub("%.lua$", "")] = true
      end
      tree.each_line(folder.path, function(place, line)
        local stem = place:match("/([%w_]+)%.lua:")
        local own = stem and below .. stem
        uses[own or ""] = uses[own or ""] or {}
        if own and not line:match("^%s*%-%-") then
          for name in line:gmatch('require%s*%(?%s*"([%w_.]+)"') do
            uses[own][name] = place
          end
        end
      end)
    end
  end

  -- nil: it is none of ours.
  local function path_of(name)
    local path = name == "lagoon" and "init" or name:match("^lagoon%.(.+)$")
    path = path and path:gsub("%.", "/")
    local part = path and path:gsub("/(%l+)$", ".%1") -- of a page: "report/page.css"
    return path and exists[path .. "/init"] and path .. "/init" or exists[part] and part or path
  end

  -- What `lagoon test` is made around.
  local function is_busted(name, own)
    return own:find("^test/") and (name:find("^busted") or name:find("^pl%.")
      or name == "luassert" or name == "term")
  end

  it("names a module of lagoon or of LuaJIT", function()
    for own, names in pairs(uses) do
      for name, place in pairs(names) do
        local path = path_of(name)
        assert(name:find("^jit") or name:find("^table%.") or name == "ffi" or name == "bit"
          or path == "core" or exists[path or ""] or is_busted(name, own), place .. name)
      end
    end
  end)

  it("makes no circle", function()
    local state = {}
    local function visit(path)
      assert(state[path] ~= "open", "a circle of requires through " .. path)
      if not state[path] then
        state[path] = "open"
        for name in pairs(uses[path] or {}) do
          local target = path_of(name)
          if target and target ~= "core" then
            visit(target)
          end
        end
        state[path] = "done"
      end
    end
    for path in pairs(uses) do
      if path ~= "program" then -- starts scripts; nobody requires it
        visit(path)
      end
    end
  end)
end)
