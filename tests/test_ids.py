"""alltoken_app/ids.py"""

from concurrent.futures import ThreadPoolExecutor

from alltoken_app.ids import new_id


def test_ids_are_unique_across_threads() -> None:
    with ThreadPoolExecutor(16) as pool:
        made = [made for some in pool.map(lambda _: [new_id("x") for _ in range(5000)], range(16))
                for made in some]  # fmt: skip
    assert len(set(made)) == len(made)


def test_ids_sort_by_time_and_name_their_kind() -> None:
    assert new_id("gen").startswith("gen_")
    assert len(new_id("gen")) == 4 + 26
