"""Tables kept as text: each is read as it is meant, or refused with what was found."""

import pytest

from lowrot.data import load

ROWS = [[0.1, 0.2], [0.3, 0.4]]


def read(tmp_path, text, name="mine.csv", **options):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(tmp_path / name, **options)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,y\n0.1,0.2,1\n0.3,0.4,-1\n",
        "a,b,y\r\n0.1,0.2,1\r\n0.3,0.4,-1",
        "y,a,b\n1,0.1,0.2\n-1,0.3,0.4\n",
        "\ufeffy,a,b\n1,0.1,0.2\n-1,0.3,0.4\n",
        "# made today\n\na,b,y\n0.1,0.2,1\n% half\n0.3,0.4,-1\n\n",
        " a, b , y\n0.1, 0.2 , 1\n 0.3 ,0.4, -1 \n",
        "a;b;y\n0.1;0.2;1\n0.3;0.4;-1\n",
        "a;b;y\n0,1;0,2;1\n0,3;4e-1;-1\n",
        "a\tb\ty\n0.1\t0.2\t1\n0.3\t0.4\t-1\n",
        '"a,1","b",y\n"0.1",0.2,1\n0.3,"0.4",-1\n',
        "a,b,y,\n0.1,0.2,1,\n0.3,0.4,-1,\n",
        ",a,b,y\n0,0.1,0.2,1\n1,0.3,0.4,-1\n",
        '"","a","b","y"\n"1",0.1,0.2,1\n"2",0.3,0.4,-1\n',
        "Unnamed: 0,a,b,y\n0,0.1,0.2,1\n1,0.3,0.4,-1\n",
        "2,2\n0.1,0.2,1\n0.3,0.4,-1\n",
        "0,1,y\n0.1,0.2,1\n0.3,0.4,-1\n",
    ],
)
def test_one_table_in_many_hands(tmp_path, text):
    data = read(tmp_path, text)
    assert (data.X.tolist(), data.y.tolist()) == (ROWS, [1.0, -1.0])


def test_wide_text_is_known_by_its_mark(tmp_path):
    assert read(tmp_path, "a,b,y\n0.1,0.2,1\n0.3,0.4,-1\n".encode("utf-16")).X.tolist() == ROWS


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("0.1,0.2,1\n0.3,0.4,-1\n", {"target": -1}),
        ("1,0.1,0.2\n-1,0.3,0.4\n", {"target": 0}),
        ("1,7,0.1,0.2\n-1,8,0.3,0.4\n", {"target": 0, "features": [2, -1]}),
        ("id,a,b,kind\n1,0.1,0.2,1\n2,0.3,0.4,-1\n", {"target": "kind", "features": ["a", "b"]}),
        ("id,a,b,kind\n1,0.1,0.2,1\n2,0.3,0.4,-1\n", {"target": -1, "features": [1, "b"]}),
        ("0,1,2\n0.1,0.2,1\n0.3,0.4,-1\n", {"target": "2"}),
        (",a,b,y\n5,0.1,0.2,1\n9,0.3,0.4,-1\n", {"features": ["a", "b"]}),
        ("a b y\n 0.1  0.2 1\n0.3 0.4  -1\n", {"sep": r"\s+"}),
        ("a b y\n0.1 0.2 1\n0.3 0.4 -1\n", {"sep": " "}),
        ("a|b|y\n0.1|0.2|1\n0.3|0.4|-1\n", {"sep": "|"}),
        ("0,1;0,2;1\n0,3;0,4;-1\n", {"sep": ";", "target": -1}),
        ("2,2,no,yes\n0.1,0.2,1\n0.3,0.4,0\n", {"positive": "yes"}),
    ],
)
def test_arguments_settle_what_the_file_leaves_open(tmp_path, text, options):
    data = read(tmp_path, text, **options)
    assert (data.X.tolist(), data.y.tolist()) == (ROWS, [1.0, -1.0])


def test_columns_come_in_the_order_asked_for(tmp_path):
    data = read(tmp_path, "a,b,y\n0.1,0.2,1\n0.3,0.4,-1\n", features=["b", "a"])
    assert data.X.tolist() == [[0.2, 0.1], [0.4, 0.3]]
    assert read(tmp_path, "a,b,y\n0.1,0.2,1\n0.3,0.4,-1\n", features="b").X.tolist() == [
        [0.2],
        [0.4],
    ]


def test_decimal_commas_where_they_are_told(tmp_path):
    text = "a;b;y\n1,250;0;1\n0;2,500;-1\n"
    with pytest.raises(ValueError, match=r"comma of '1,250' may .* pass decimal=','"):
        read(tmp_path, text, scale=True)
    assert read(tmp_path, text, scale=True, decimal=",").X.tolist() == [[0.5, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b,c,y\n0,0.1,0.2,1\n1,0.3,0.4,-1\n", "line 2 has 4 fields, .* 3 columns: b, c, y"),
        ("a,b,y\n0.1,0.2,1\n0.3,-1\n", "line 3 has 2 fields"),
        ("# note\na,b,y\n0.1,0.2,1\n\n0.3,0.4,9,-1\n", "line 5 has 4 fields"),
        ("y,a,y\n1,0.1,1\n-1,0.3,-1\n", "columns are 'y', 'a', 'y'. 'y' is there twice"),
        ("a,a,y\n1,0.1,1\n-1,0.3,-1\n", "'a' is there twice"),
        (",a,b,y\n5,0.1,0.2,1\n9,0.3,0.4,-1\n", "Column 0 has no name .*pass features="),
        ("a,,y\n0,0.1,1\n1,0.3,-1\n", "Column 1 has no name"),
        ("a,b,kind\n0.1,0.2,1\n", "columns are 'a', 'b', 'kind'. None is 'y'; pass target="),
        ("0.1,0.2,1\n0.3,0.4,-1\n", "begins with 0.1, 0.2, 1, .* pass target= the position"),
        ("0.1,0.2,y\n0.3,0.4,n\n", "begins with 0.1, 0.2, y, .* pass target= the position"),
        ("1,2,y\n0,1,n\n1,1,y\n", "'y' is a label in the first line and below"),
        ("9,2,no,yes\n0.1,0.2,1\n0.3,0.4,0\n", "begins with 9, 2, no, yes, .* no names"),
        ("2,2,no,yes\n0.1,0.2,1\n0.3,0.4,2\n", "names 2 classes, no, yes, but its labels"),
        ("a b y\n0.1 0.2 1\n", "first line 'a b y' has no comma or semicolon or tab; pass sep="),
        ("a,b;c,y\n1,2,1\n", "has comma and semicolon; pass sep="),
        ("a;b;y\n0,1;0.2;1\n0,3;0.4;-1\n", "with a comma, '0,1', and with a point, '0.2'"),
        ("a,b,y\n0.1,red,1\n0.3,blue,-1\n", "column 'b' is 'red' in line 2"),
        ("a,b,y\n0.1,1,1\n\n# no\n0.3,blue,-1\n", "column 'b' is 'blue' in line 5"),
        (
            "a,b,y\n0.1,,1\n",
            "column 'b' is missing in line 2; expected .* features= the columns without",
        ),
        ("2,2\n0.1,0.2,1\n0.3,x,-1\n", "column 1 is 'x' in line 3"),
        ("a,b,y\n0.1,inf,1\n", "column 'b' is inf in line 2"),
        ("y\n1\n-1\n", "pass sep="),
        ('a,b,y\n"0.1\n",0.2,1\n', "an entry goes over several lines"),
        ("", "it has 0 lines"),
        ("a,b,y\n", "it has 1 lines"),
        (b"\x00\x01\n\x00\n", "not text"),
        (b"\xff\x00\n\x00\n", "utf-8"),
    ],
)
def test_what_is_unclear_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"path .* cannot be read as .csv: .*{message}"):
        read(tmp_path, text, scale=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "z"}, "None is 'z'"),
        ({"target": 3}, "column 3 is asked for; there are 3"),
        ({"features": ["a", "z"]}, "features has 'z'"),
        ({"features": ["a", "y"]}, "features has 'y'; .* without the labels 'y'"),
        ({"features": ["a", "a"]}, "features has 'a'"),
        ({"features": []}, "None is left"),
        ({"sep": "::"}, "sep is '::'; expected one character"),
        ({"decimal": "·"}, "decimal is '·'; expected one of"),
        ({"decimal": ","}, "decimal is ',', as sep"),
    ],
)
def test_arguments_that_do_not_fit_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a,b,y\n0.1,0.2,1\n", **({"sep": ","} | options))


def test_a_first_line_that_counts_is_names_or_data(tmp_path):
    text = "0,1,2\n0.1,0.2,1\n0.3,0.4,-1\n"
    with pytest.raises(ValueError, match="names or data; pass target= as text, for example '2'"):
        read(tmp_path, text, target=-1)
