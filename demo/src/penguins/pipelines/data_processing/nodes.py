"""Raw penguins come in; two sets with labels, and one without, go out."""

import pandas as pd
from sklearn.model_selection import train_test_split


def split_penguins(
    penguins: pd.DataFrame, test_fraction: float, random_state: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the penguins in two, with the same mix of species in both.

    Args:
        penguins: All penguins, one per row.
        test_fraction: Share of the rows that is kept for the test, between 0 and 1.
        random_state: Seed of the split.

    Returns:
        The training set and the test set. The year of observation is dropped: it
        says nothing about a species.
    """
    train_set, test_set = train_test_split(
        penguins.drop(columns="year"),
        test_size=test_fraction,
        random_state=random_state,
        stratify=penguins["species"],
    )
    return train_set, test_set


def drop_labels(test_set: pd.DataFrame) -> pd.DataFrame:
    """Make instances of labelled penguins.

    Args:
        test_set: Penguins and their species.

    Returns:
        The same rows, as somebody would send them who wants to know the species.
    """
    return test_set.drop(columns="species")
