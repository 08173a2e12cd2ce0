"""Pages that ask for something from elsewhere, in every way we know; `{far}` is what they ask for."""

import base64

_SVG = (
    '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY far SYSTEM "{far}">]>'
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
    '<image xlink:href="{far}" width="9" height="9"/><use xlink:href="{far}#a"/><text>&far;</text></svg>'
)
HOSTILE = {
    "image": '<img src="{far}">',
    "set of images": '<img srcset="{far} 2x" src="{far}">',
    "style sheet": '<link rel="stylesheet" href="{far}">',
    "import": '<style>@import url("{far}");</style>',
    "font": '<style>@font-face {{ font-family: x; src: url("{far}") }} p {{ font: 9pt x }}</style><p>a</p>',
    "background": '<div style="width: 9px; height: 9px; background: url({far})">a</div>',
    "content": '<style>p::before {{ content: url("{far}") }}</style><p>a</p>',
    "list": '<ul style="list-style-image: url({far})"><li>a</li></ul>',
    "linked attachment": '<link rel="attachment" href="{far}">',
    "attached by a link": '<a rel="attachment" href="{far}">a</a>',
    "object": '<object data="{far}"></object><embed src="{far}">',
    "frame": '<iframe src="{far}"></iframe>',
    "base": '<base href="{far}"><img src="x.png"><link rel="stylesheet" href="x.css">',
    "svg in the text": '<svg width="90" height="90"><image href="{far}" width="9" height="9"/></svg>',
    "svg in an address": '<img src="data:image/svg+xml;base64,{svg}">',
    "refresh": '<meta http-equiv="refresh" content="0;url={far}">',
}
REFUSED = '<style>@color-profile device-cmyk {{ src: url("{far}") }}</style>'  # no paper comes of it


def page(body: str, far: str) -> str:
    """Give a whole page with this in it."""
    svg = base64.b64encode(_SVG.format(far=far).encode()).decode()
    head = '<!DOCTYPE html><html lang="en"><head><title>A paper</title></head>'
    return f"{head}<body>{body.format(far=far, svg=svg)}<p>End</p></body></html>"
