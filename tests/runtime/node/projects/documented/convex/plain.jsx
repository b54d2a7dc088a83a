import { query } from "./_generated/server";

const Dish = ({ name }) => <b>{name}</b>;

export const element = query(async () => {
  const { type, props } = <Dish name="figs" />;
  return [type(props).type, props];
});
