// In the place of the theme's drawings of all icons (1.5 MB): ours are letters of two small fonts.
