from clearml.automation.controller import PipelineDecorator
from told import tell


@PipelineDecorator.component(return_values=["numbers"], cache=True)
def numbers_up_to(top):
    return list(range(top))


@PipelineDecorator.component(return_values=["total"])
def add(numbers, extra):
    return sum(numbers) + extra


@PipelineDecorator.pipeline(
    name="decorators", project="pipelines", version="0.1", pool_frequency=0.01, return_value="total"
)
def logic(top=4):
    numbers = numbers_up_to(top)
    first = add(numbers, 1)
    second = add(numbers, 2)
    total = first + second
    print("total", total)
    tell(first=int(first), second=int(second))
    return total


if __name__ == "__main__":
    PipelineDecorator.run_locally()
    total = logic(top=5)
    tell(total=int(total))
