"""What holds a learner: questions to guess at first, what they have done, and where to go on."""

from nn_helpers.course.predictions import predict, quiz, recall, reveal
from nn_helpers.course.progress import progress
from nn_helpers.course.pytorch import with_pytorch
