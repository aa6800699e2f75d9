import numpy as np

from training.data.subjects import linked_groups


def test_subjects_are_linked_along_a_chain_of_common_cells() -> None:
    subjects = np.array(["d", "c", "c", "b", "b", "a", "e"])
    content = ["1", "1", "2", "2", "3", "3", "4"]
    assert linked_groups(subjects, content).tolist() == [0, 0, 0, 0, 0, 0, 1]
