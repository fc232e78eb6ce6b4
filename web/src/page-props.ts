// What a page is given: the words of its address.
export type Params = Record<string, string>;

export interface PageProps {
  params: Params;
}
