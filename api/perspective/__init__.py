"""Google's Perspective API as its clients know it, answered by this service's own heads.

messages        the JSON, in and out           errors      its errors, to the letter
attributes      their names and our labels     languages   which can be scored
analysis        what comments:analyze does     suggestion  what comments:suggestscore does
spans           sentences and their offsets    batch       many calls in one
discovery       the description from which Google's client libraries build themselves
"""
