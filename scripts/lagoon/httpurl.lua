-- SPDX-License-Identifier: MIT
--
-- Addresses of pages, also those relative to another one (RFC 3986, 5.2).
local httpurl = {}

-- Takes "." and ".." out of a path that begins with a slash.
local function without_dots(path)
    local kept, ends_in_dots = {}, false
    for part in path:gmatch("/([^/]*)") do
        ends_in_dots = part == "." or part == ".."
        if part == ".." then
            kept[#kept] = nil
        elseif part ~= "." then
            kept[#kept + 1] = part
        end
    end
    if ends_in_dots then
        kept[#kept + 1] = ""
    end
    return "/" .. table.concat(kept, "/")
end

-- Whether it may stand in a request: no blanks, no line ends, ASCII only.
local function is_clean(text)
    return not text:find("[^\33-\126]")
end

-- The host and the port of an authority; nil for a bad one, or one with a password.
local function dialled(authority)
    if authority == "" or authority:find("[^%w%-._~:%[%]]") then
        return nil
    elseif authority:find(":%d+$") then
        return authority
    end
    return authority:gsub(":$", "") .. ":80"
end

---Takes an address apart.
---@param url string
---@return {url: string, authority: string, address: string, target: string}? parts  address is what
---to dial
---@return string? err
---@return string? code
function httpurl.parse(url)
    local scheme, authority, rest = url:match("^(%a[%w+.-]*)://([^/?#]*)([^#]*)")
    if scheme and scheme:lower() == "https" then
        return nil, "https is not supported yet", "EPROTONOSUPPORT"
    elseif not scheme or scheme:lower() ~= "http" or not is_clean(rest) then
        return nil, "not an address of http: " .. url:gsub("%c", "?"), "EINVAL"
    end
    local address = dialled(authority)
    if not address then
        return nil, "not an address of http: " .. url:gsub("%c", "?"), "EINVAL"
    end
    local target = rest:sub(1, 1) == "/" and rest or "/" .. rest
    return { url = "http://" .. authority .. target, authority = authority, address = address,
        target = target }
end

---The address that another one means on a page.
---@param base table  the page, as parse() gave it
---@param url string
---@return string
function httpurl.join(base, url)
    if url:find("^%a[%w+.-]*:") then
        return url
    elseif url:sub(1, 2) == "//" then
        return "http:" .. url
    end
    local root, path = "http://" .. base.authority, base.target:match("^[^?]*")
    local first = url:sub(1, 1)
    if first == "" or first == "#" then
        return root .. base.target
    elseif first == "?" then
        return root .. path .. url
    elseif first ~= "/" then
        url = path:match("^.*/") .. url
    end
    local own_path, rest = url:match("^([^?#]*)(.*)$")
    return root .. without_dots(own_path) .. rest
end

return httpurl
